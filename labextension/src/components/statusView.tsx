import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ApiError, ISummary } from '../api';
import { lines } from '../model';
import { useEtl, useModel } from './context';
import { etlIcon } from './icons';
import { Status, type Shape } from './status';

/** In the status bar: what runs, fails and waits for a person, and whether a scheduler is alive. */
export function StatusView(props: { onOpen: () => void }): JSX.Element | null {
  const { trans } = useEtl();
  const { summary, summaryError } = useModel();
  const text = summary ? partsOf(summary, trans).join(' · ') : '';
  const shown = summaryError ? trans.__('not reached') : text;
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

/** What is not as it should be, the worst first, and what runs. */
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
    summary.stale ? trans.__('%1 too old', summary.stale) : '',
    summary.silent_sources
      ? trans._n(
          '%1 source does not answer',
          '%1 sources do not answer',
          summary.silent_sources
        )
      : '',
    summary.full_disk ? trans.__('disk full') : '',
    waiting.length && !summary.full_disk
      ? trans._n(
          '%1 scheduler starts no runs',
          '%1 schedulers start no runs',
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

/** The same with why the platform paused something, and how to go on. */
function titleOf(
  summary: ISummary | null,
  shown: string,
  trans: TranslationBundle
): string {
  const notes = (summary?.auto_paused ?? []).map(({ name, note }) =>
    trans.__('%1: %2\nTo go on: %3', name, note, lines.resume(name))
  );
  const first = summary?.well
    ? trans.__('ETL: all is well')
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

/** The shape of what is worst. */
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
