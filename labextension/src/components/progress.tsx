import * as React from 'react';

import { useEtl } from './context';

/** How far a run is, cell by cell. */
export function Progress(props: {
  label: string;
  cell: number | null;
  cells: number | null;
}): JSX.Element {
  const { trans } = useEtl();
  const { cells } = props;
  const cell = props.cell ?? 0;
  const known = cells !== null && cells > 0;
  return (
    <div className="jp-EtlProgress">
      <div
        className={`jp-EtlProgress-bar ${known ? '' : 'jp-mod-unknown'}`}
        role="progressbar"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={known ? cells : undefined}
        aria-valuenow={known ? cell : undefined}
      >
        <div
          className="jp-EtlProgress-done"
          style={known ? { width: `${(100 * cell) / cells}%` } : undefined}
        />
      </div>
      <span className="jp-EtlProgress-text">
        {known
          ? trans.__('%1 of %2 cells', cell, cells)
          : trans.__('starting the kernel')}
      </span>
    </div>
  );
}
