import * as React from 'react';

import type { IRunEvent } from '../../api';
import type { IEtlModel } from '../../tokens';
import { useEtl } from '../shared/context';
import { runLabel } from '../shared/status';

/** Announces the progress of runs to screen readers: each state, and each quarter of the cells. */
export function Announcer(): JSX.Element {
  const { model, trans } = useEtl();
  const [text, setText] = React.useState('');
  React.useEffect(() => {
    const announced = new Map<number, string>();
    const onRun = (_: IEtlModel, event: IRunEvent) => {
      const quarter = event.cells
        ? Math.floor((4 * (event.cell ?? 0)) / event.cells)
        : 0;
      const mark = `${event.state} ${quarter}`;
      if (announced.get(event.run) === mark) {
        return;
      }
      announced.set(event.run, mark);
      const where = trans.__('Run %1 of %2', event.run, event.pipeline);
      const how = runLabel(event, trans);
      setText(
        event.state === 'running' && event.cells
          ? trans.__(
              '%1: %2, cell %3 of %4',
              where,
              how,
              event.cell ?? 0,
              event.cells
            )
          : `${where}: ${how}`
      );
    };
    model.runChanged.connect(onRun);
    return () => {
      model.runChanged.disconnect(onRun);
    };
  }, [model, trans]);
  return (
    <div className="jp-Etl-unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}
