import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ApiError, ISummary } from '../../api';
import { useEtl, useModel } from '../shared/context';
import { etlIcon } from '../shared/icons';
import { Status, type Shape } from '../shared/status';

/** The status bar item: what is running, failing and pending approval, and missing schedulers. */
export function StatusView(props: { onOpen: () => void }): JSX.Element | null {
  const { trans } = useEtl();
  const { summary, summaryError } = useModel();
  const text = summary ? partsOf(summary, trans).join(' · ') : '';
  const shown = summaryError ? trans.__('not reachable') : text;
  return (
    <button
      type="button"
      className={`jp-EtlStatusItem jp-mod-${shapeOf(summary, summaryError)}`}
      title={titleOf(summary, shown, trans)}
      onClick={props.onOpen}
    >
      <etlIcon.react tag="span" className="jp-EtlStatusItem-icon" />
      <span>{trans.__('ETL')}</span>
      {summary || summaryError ? (
        <Status
          shape={shapeOf(summary, summaryError)}
          label={shown || trans.__('OK')}
        />
      ) : null}
      {shown ? <span>{shown}</span> : null}
    </button>
  );
}

/** The problems, the most severe first, and what is running. */
function partsOf(summary: ISummary, trans: TranslationBundle): string[] {
  const stopped = summary.auto_paused.length;
  const failing = summary.failing - stopped;
  const waiting = summary.schedulers.filter(({ note }) => note);
  return [
    stopped ? trans.__('%1 paused after failures', stopped) : '',
    failing ? trans.__('%1 failing', failing) : '',
    summary.held ? trans.__('%1 held', summary.held) : '',
    summary.backfill_failed
      ? trans.__('%1 backfill failed', summary.backfill_failed)
      : '',
    summary.late ? trans.__('%1 late', summary.late) : '',
    summary.stale ? trans.__('%1 stale', summary.stale) : '',
    summary.silent_sources
      ? trans._n(
          '%1 source not reachable',
          '%1 sources not reachable',
          summary.silent_sources
        )
      : '',
    summary.full_disk ? trans.__('disk full') : '',
    waiting.length && !summary.full_disk
      ? trans._n(
          '%1 scheduler not starting runs',
          '%1 schedulers not starting runs',
          waiting.length
        )
      : '',
    summary.schedulers.length ? '' : trans.__('no scheduler'),
    summary.runs_running ? trans.__('%1 running', summary.runs_running) : '',
    summary.runs_active > summary.runs_running
      ? trans.__('%1 queued', summary.runs_active - summary.runs_running)
      : ''
  ].filter(Boolean);
}

/** The same, with the reasons. */
function titleOf(
  summary: ISummary | null,
  shown: string,
  trans: TranslationBundle
): string {
  const notes = (summary?.auto_paused ?? []).map(({ name, note, resume }) =>
    trans.__('%1: %2\nTo resume: %3', name, note, resume)
  );
  const first = summary?.well
    ? trans.__('ETL: healthy')
    : trans.__('ETL: %1', shown);
  const what =
    summary?.well && shown ? trans.__('%1 (%2)', first, shown) : first;
  const waiting = (summary?.schedulers ?? [])
    .filter(({ note }) => note)
    .map(({ host, pid, note }) => `${host}:${pid}: ${note}`);
  return [what, ...notes, summary?.full_disk ?? '', ...waiting]
    .filter(Boolean)
    .join('\n');
}

/** The shape of the most severe problem. */
function shapeOf(summary: ISummary | null, error: ApiError | null): Shape {
  if (!summary || error) {
    return error ? 'failing' : 'none';
  }
  if (summary.auto_paused.length) {
    return 'stopped';
  }
  if (summary.failing) {
    return 'failing';
  }
  if (summary.held) {
    return 'held';
  }
  if (!summary.well) {
    return 'late';
  }
  return summary.runs_running ? 'running' : 'ok';
}
