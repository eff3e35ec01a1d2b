import { fileIcon, notebookIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IRunDetails, IRunView } from '../../api';
import {
  formatCount,
  formatLogTail,
  formatMoment,
  formatValue
} from '../../model';
import { Action } from '../shared/action';
import { Checks } from './checks';
import { useEtl } from '../shared/context';
import { FailureCard } from './failureCard';
import { HoldCard } from './holdCard';
import { ErrorNotice } from '../shared/notice';
import { Facts } from '../shared/row';
import { runLabel } from '../shared/status';
import { useFetched } from '../shared/useFetched';

/** The details of a run; fetched when it is expanded and when its state changes. */
export function RunDetails(props: {
  run: IRunView;
  busy: boolean;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { run } = props;
  const {
    value: details,
    error,
    retry
  } = useFetched(
    () => model.client.run(run.id),
    [model, run.id, run.state, run.attempts]
  );
  const failed = run.state === 'failed' || run.state === 'held';
  return (
    <>
      {details?.hold && run.state === 'held' ? (
        <HoldCard hold={details.hold} />
      ) : failed ? (
        <FailureCard run={details ?? run} busy={props.busy} />
      ) : null}
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {details ? (
        <RunFacts run={details} />
      ) : error ? null : (
        <div className="jp-EtlWaiting" role="status">
          {trans.__('Loading…')}
        </div>
      )}
      <div className="jp-EtlRow-buttons">
        {run.has_notebook && !failed ? (
          <Action
            label={trans.__('Open executed notebook')}
            of={`#${run.id}`}
            icon={notebookIcon}
            text
            onClick={() => opener.openRun(run.id)}
          />
        ) : null}
        <Action
          label={trans.__('Open log')}
          of={`#${run.id}`}
          line={run.lines.log}
          icon={fileIcon}
          text
          onClick={() => opener.openLog(run.id)}
        />
      </div>
    </>
  );
}

function RunFacts(props: { run: IRunDetails }): JSX.Element {
  const { trans } = useEtl();
  const { run } = props;
  const parameters = Object.entries(run.parameters);
  const log = formatLogTail(run.log_tail);
  return (
    <>
      <Facts
        facts={[
          // The card shows why it is held.
          run.hold ? null : [trans.__('State'), runLabel(run, trans)],
          run.cause === 'manual'
            ? null
            : [trans.__('Logical key'), run.logical_key],
          run.started_at
            ? [trans.__('Started'), formatMoment(run.started_at)]
            : [trans.__('Due'), formatMoment(run.due_at)],
          run.version === null
            ? null
            : [trans.__('Version'), `v${run.version}`],
          run.note ? [trans.__('Note'), run.note] : null,
          [trans.__('Attempts'), String(run.attempts)],
          parameters.length
            ? [
                trans.__('Parameters'),
                parameters
                  .map(([key, value]) => `${key} = ${formatValue(value)}`)
                  .join(', ')
              ]
            : null,
          run.reads.length
            ? [
                trans.__('Read'),
                run.reads
                  .map(read =>
                    [
                      read.table ? `${read.source}.${read.table}` : read.source,
                      read.rows === null
                        ? ''
                        : trans.__('(%1 rows)', formatCount(read.rows))
                    ]
                      .join(' ')
                      .trim()
                  )
                  .join(', ')
              ]
            : null,
          run.published.length
            ? [
                trans.__('Published'),
                run.published
                  .map(item => `${item.name} v${item.version}`)
                  .join(', ')
              ]
            : null
        ]}
      />
      <Checks
        checks={
          // The failed ones are on the card.
          run.hold
            ? run.checks.filter(check => check.status !== 'error')
            : run.checks
        }
      />
      {log.text ? (
        <>
          <pre
            className="jp-EtlLog"
            tabIndex={0}
            aria-label={trans.__('End of the log')}
          >
            {log.text}
          </pre>
          {log.zone ? (
            <p className="jp-EtlField-note">
              {trans.__('Times are %1.', log.zone)}
            </p>
          ) : null}
        </>
      ) : null}
    </>
  );
}
