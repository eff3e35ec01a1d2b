import * as React from 'react';

import { useEtl, useModel } from './context';
import { etlIcon } from './icons';
import { Status } from './status';

/** In the status bar: what runs, what fails, and whether a scheduler is alive. */
export function StatusView(props: { onOpen: () => void }): JSX.Element | null {
  const { trans } = useEtl();
  const { summary, summaryError } = useModel();
  const parts: string[] = [];
  if (summary?.runs_active) {
    parts.push(trans.__('%1 running', summary.runs_active));
  }
  if (summary?.failing) {
    parts.push(trans.__('%1 failing', summary.failing));
  }
  if (summary && !summary.schedulers.length) {
    parts.push(trans.__('no scheduler'));
  }
  if (summaryError) {
    parts.push(trans.__('not reached'));
  }
  const shape = summaryError
    ? 'failing'
    : summary?.failing
      ? 'failing'
      : summary && !summary.schedulers.length
        ? 'late'
        : summary?.runs_active
          ? 'running'
          : 'ok';
  const text = parts.join(' · ');
  return (
    <button
      type="button"
      className="jp-EtlStatusItem"
      title={text ? trans.__('ETL: %1', text) : trans.__('ETL: all is well')}
      onClick={props.onOpen}
    >
      <etlIcon.react tag="span" className="jp-EtlStatusItem-icon" />
      <span>{trans.__('ETL')}</span>
      {summary || summaryError ? (
        <Status shape={shape} label={text || trans.__('OK')} />
      ) : null}
      {text ? <span>{text}</span> : null}
    </button>
  );
}
