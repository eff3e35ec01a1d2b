import type { TranslationBundle } from '@jupyterlab/translation';
import { notebookIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ApiError, IRunView } from '../../api';
import { formatCount, formatDuration, isTerminal } from '../../model';
import { Action } from '../shared/action';
import { Ago, Countdown, Elapsed } from '../shared/clock';
import { useEtl } from '../shared/context';
import { retryIcon } from '../shared/icons';
import { ErrorNotice, Notice } from '../shared/notice';
import { Row } from '../shared/row';
import { runLabel, runShape, Status } from '../shared/status';
import { RunDetails } from './runDetails';

/** How many publications a row names. */
const SHOWN = 2;

/** A run: state, cause, duration and publications. */
export const RunRow = React.memo(function RunRow(props: {
  run: IRunView;
  open: boolean;
  busy: boolean;
  problem: ApiError | null;
  /** The result of the last action, where there is one to show. */
  notice: string;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { run } = props;
  const going = run.state === 'running' || run.state === 'dispatched';
  // The card below shows it.
  const carded = props.open && (run.state === 'held' || run.state === 'failed');
  const dismiss = () => model.dismiss(`run:${run.id}`);
  return (
    <Row
      kind="run"
      name={String(run.id)}
      open={props.open}
      onToggle={() => {
        model.openRun = props.open ? null : run.id;
      }}
      sign={<Status shape={runShape(run.state)} label={runLabel(run, trans)} />}
      title={run.pipeline}
      aside={<When run={run} />}
      actions={<RunActions run={run} busy={props.busy} />}
      lines={
        <>
          <div className="jp-EtlRow-line">
            {summaryOf(run, trans)}
            {going && run.working_since ? (
              <>
                {' · '}
                <Elapsed since={run.working_since} />
              </>
            ) : null}
          </div>
          {(carded ? [] : resultOf(run, trans)).map(line => (
            <div key={line} className="jp-EtlRow-line" title={line}>
              {line}
            </div>
          ))}
        </>
      }
      below={
        <>
          {going ? (
            <Progress
              label={trans.__('Progress of run %1', run.id)}
              cell={run.cell}
              cells={run.cells}
            />
          ) : null}
          {props.notice ? (
            <Notice
              shape="ok"
              label={trans.__('Done')}
              actions={
                <Action label={trans.__('Dismiss')} text onClick={dismiss} />
              }
            >
              {props.notice}
            </Notice>
          ) : null}
          {props.problem ? (
            <ErrorNotice error={props.problem} onDismiss={dismiss} />
          ) : null}
        </>
      }
    >
      <RunDetails run={run} busy={props.busy} />
    </Row>
  );
});

function RunActions(props: { run: IRunView; busy: boolean }): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { run } = props;
  const of = `#${run.id}`;
  const again = run.state === 'failed' || run.state === 'cancelled';
  return (
    <>
      {run.has_notebook ? (
        <Action
          label={trans.__('Open executed notebook')}
          of={of}
          icon={notebookIcon}
          onClick={() => opener.openRun(run.id)}
        />
      ) : null}
      {!isTerminal(run.state) ? (
        <Action
          label={trans.__('Cancel run')}
          of={of}
          line={run.lines.cancel}
          icon={stopIcon}
          disabled={props.busy}
          onClick={() => void model.cancel(run.id)}
        />
      ) : null}
      {again || run.state === 'held' ? (
        <Action
          label={trans.__('Retry')}
          of={of}
          line={run.lines.retry}
          icon={retryIcon}
          disabled={props.busy}
          onClick={() => void model.retry(run.id)}
        />
      ) : null}
    </>
  );
}

function When(props: { run: IRunView }): JSX.Element {
  const { run } = props;
  if (run.finished_at ?? run.started_at) {
    return <Ago at={(run.finished_at ?? run.started_at) as string} />;
  }
  return Date.parse(run.due_at) > Date.now() ? (
    <Countdown at={run.due_at} />
  ) : (
    <Ago at={run.due_at} />
  );
}

/** "#42 · schedule · attempt 2 · 34s". */
function summaryOf(run: IRunView, trans: TranslationBundle): string {
  const parts = [`#${run.id}`, causeLabel(run.cause, trans)];
  if (run.draft) {
    parts.push(trans.__('draft'));
  }
  if (run.attempts > 1) {
    parts.push(trans.__('attempt %1', run.attempts));
  }
  if (isTerminal(run.state) && run.seconds !== null) {
    parts.push(formatDuration(run.seconds));
  }
  return parts.join(' · ');
}

/** Its error, or what it published, a line each: "sales.daily v7 · 1,234 rows". */
function resultOf(run: IRunView, trans: TranslationBundle): string[] {
  if (run.error) {
    return [run.error];
  }
  const shown = run.published.slice(0, SHOWN).map(item => {
    const version = trans.__('%1 v%2', item.name, item.version);
    return item.rows === null
      ? version
      : `${version} · ${trans._n('%2 row', '%2 rows', item.rows, formatCount(item.rows))}`;
  });
  const more = run.published.length - shown.length;
  return more > 0 ? [...shown, trans.__('and %1 more', more)] : shown;
}

/** The cause of a run in a word. */
export function causeLabel(
  cause: IRunView['cause'],
  trans: TranslationBundle
): string {
  switch (cause) {
    case 'schedule':
      return trans.__('schedule');
    case 'upstream':
      return trans.__('new data');
    case 'backfill':
      return trans.__('backfill');
    case 'manual':
      return trans.__('manual');
  }
}

/** The progress of a run by cells. */
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
          : trans.__('starting kernel')}
      </span>
    </div>
  );
}
