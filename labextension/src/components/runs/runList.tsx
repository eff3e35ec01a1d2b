import * as React from 'react';

import type { IRunView } from '../../api';
import { isTerminal } from '../../model';
import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { EmptyState } from '../shared/emptyState';
import { Segments } from '../shared/fields';
import { PagedRows } from '../shared/pagedRows';
import { RunRow } from './runRow';

/** The states of a run that is not finished. */
const IN_PROGRESS = 'queued,dispatched,running';

/** All runs; those pending approval and in progress first. */
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
  const pending = model.runs.items.filter(run => held.has(run.id));
  const active = model.runs.items.filter(run => !isTerminal(run.state));
  // Only a complete list can be counted.
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
              title={trans.__('No matching runs')}
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
                'A run executes a notebook from top to bottom in a new kernel. Run the saved notebook once, as a draft:'
              )}
              cell={'%load_ext jupyter_etl\n%etl run --draft'}
            />
          )
        }
        groups={[
          {
            title: counted(trans.__('Pending approval'), pending),
            rows: pending.map(row)
          },
          {
            title: active.length
              ? counted(trans.__('In progress'), active)
              : undefined,
            rows: active.map(row)
          },
          {
            title:
              active.length || pending.length
                ? trans.__('Finished')
                : undefined,
            rows: done.map(row)
          }
        ]}
      />
    </>
  );
}
