import * as React from 'react';

import type { ApiError, ISummary } from '../api';
import { useEtl, useModel } from './context';
import { etlIcon } from './icons';
import { Status, type Shape } from './status';

/** In the status bar: what runs, fails and waits for a person, and whether a scheduler is alive. */
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
  if (summary?.held) {
    parts.push(trans.__('%1 held', summary.held));
  }
  if (summary && !summary.schedulers.length) {
    parts.push(trans.__('no scheduler'));
  }
  if (summaryError) {
    parts.push(trans.__('not reached'));
  }
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
        <Status
          shape={shapeOf(summary, summaryError)}
          label={text || trans.__('OK')}
        />
      ) : null}
      {text ? <span>{text}</span> : null}
    </button>
  );
}

/** The shape of what is worst. */
function shapeOf(summary: ISummary | null, error: ApiError | null): Shape {
  if (error || summary?.failing) {
    return 'failing';
  }
  if (summary?.held) {
    return 'held';
  }
  if (summary && !summary.schedulers.length) {
    return 'late';
  }
  return summary?.runs_active ? 'running' : 'ok';
}
