import * as React from 'react';

import type { IRunView } from '../api';
import { isTerminal } from '../model';
import { Action } from './action';
import { useEtl, useModel } from './context';
import { EmptyState } from './emptyState';
import { Segments } from './fields';
import { PagedRows } from './list';
import { RunRow } from './runRow';

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
    />
  );
  const held = new Set(model.holds.items.map(hold => hold.run));
  const waiting = model.runs.items.filter(run => held.has(run.id));
  const going = model.runs.items.filter(run => !isTerminal(run.state));
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
            { value: 'running', label: trans.__('Running') },
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
            title: trans.__('Waits for you · %1', waiting.length),
            rows: waiting.map(row)
          },
          {
            title: going.length
              ? trans.__('In progress · %1', going.length)
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
