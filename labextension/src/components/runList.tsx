import * as React from 'react';

import type { IRunView } from '../api';
import { isTerminal } from '../model';
import { Action } from './action';
import { useEtl, useModel } from './context';
import { EmptyState } from './emptyState';
import { Segments } from './fields';
import { PagedRows } from './list';
import { RunRow } from './runRow';

/** The states of a run that is not finished. */
const IN_PROGRESS = 'queued,dispatched,running';

/** All runs, those that go on first. */
export function RunList(): JSX.Element {
  const { trans } = useEtl();
  const model = useModel();
  const { pipeline, state } = model.runQuery;
  const row = (run: IRunView) => (
    <RunRow
      key={run.id}
      run={run}
      open={model.openRun === run.id}
      busy={model.busy(`run:${run.id}`)}
      problem={model.problem(`run:${run.id}`)}
      notice={model.notice(`run:${run.id}`)}
    />
  );
  const held = new Set(model.holds.items.map(hold => hold.run));
  const waiting = model.runs.items.filter(run => held.has(run.id));
  const going = model.runs.items.filter(run => !isTerminal(run.state));
  // A part of the list does not tell how many there are.
  const complete = model.runs.items.length === model.runs.total;
  const counted = (title: string, rows: IRunView[]) =>
    complete ? trans.__('%1 · %2', title, rows.length) : title;
  const done = model.runs.items.filter(
    run => isTerminal(run.state) && !held.has(run.id)
  );
  return (
    <>
      <div className="jp-EtlFilters">
        <Segments
          label={trans.__('Show')}
          name="jp-etl-runs"
          value={state}
          options={[
            { value: '', label: trans.__('All') },
            { value: IN_PROGRESS, label: trans.__('In progress') },
            { value: 'failed', label: trans.__('Failed') },
            { value: 'held', label: trans.__('Held') }
          ]}
          onChange={value => model.filterRuns({ state: value })}
        />
        {pipeline ? (
          <span className="jp-EtlChip">
            {pipeline}
            <Action
              label={trans.__('×')}
              of={trans.__('show the runs of all pipelines')}
              text
              onClick={() => model.filterRuns({ pipeline: '' })}
            />
          </span>
        ) : null}
      </div>
      <PagedRows
        list={model.runs}
        label={trans.__('Runs')}
        empty={
          pipeline || state ? (
            <EmptyState
              title={trans.__('No run matches')}
              text={trans.__('Other runs are hidden by the filter.')}
              actions={
                <Action
                  label={trans.__('Show all')}
                  text
                  onClick={() => model.filterRuns({ pipeline: '', state: '' })}
                />
              }
            />
          ) : (
            <EmptyState
              title={trans.__('No runs yet')}
              text={trans.__(
                'A run executes a notebook from top to bottom in a fresh kernel. Run the saved notebook once, as a draft:'
              )}
              cell={'%load_ext jupyter_etl\n%etl run --draft'}
            />
          )
        }
        groups={[
          {
            title: counted(trans.__('Waits for you'), waiting),
            rows: waiting.map(row)
          },
          {
            title: going.length
              ? counted(trans.__('In progress'), going)
              : undefined,
            rows: going.map(row)
          },
          {
            title:
              going.length || waiting.length ? trans.__('Finished') : undefined,
            rows: done.map(row)
          }
        ]}
      />
    </>
  );
}
