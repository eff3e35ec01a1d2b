import { addIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Action } from './action';
import { useEtl } from './context';

/** An empty list: what it is for, and a cell that creates the first item. */
export function EmptyState(props: {
  title: string;
  text: string;
  /** A cell that works as it is. */
  cell?: string;
  actions?: React.ReactNode;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { cell } = props;
  return (
    <div className="jp-EtlEmpty">
      <h3 className="jp-EtlEmpty-title">{props.title}</h3>
      <p className="jp-EtlEmpty-text">{props.text}</p>
      {cell ? (
        <pre className="jp-EtlEmpty-cell" tabIndex={0}>
          {cell}
        </pre>
      ) : null}
      <div className="jp-EtlEmpty-actions">
        {cell ? (
          <Action
            label={trans.__('Insert this cell')}
            line={trans.__('Below the active cell, without running it')}
            icon={addIcon}
            text
            primary
            onClick={() => opener.insertCell(cell)}
          />
        ) : null}
        {props.actions}
      </div>
    </div>
  );
}
