import * as React from 'react';

import type { IPipelineView, PipelineFilter } from '../../api';
import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { EmptyState } from '../shared/emptyState';
import { SearchField, Segments } from '../shared/fields';
import { PagedRows } from '../shared/pagedRows';
import { PipelineRow } from './pipelineRow';
import { scheduleIcon } from '../shared/icons';

/** All pipelines; those that need attention first. */
export function PipelineList(): JSX.Element {
  const { trans } = useEtl();
  const model = useModel();
  const { filter, search } = model.pipelineQuery;
  const attention = unique([
    ...model.attention.items,
    ...model.pipelines.items.filter(pipeline => pipeline.severity > 0)
  ]).sort(
    (one, other) =>
      other.severity - one.severity || one.name.localeCompare(other.name)
  );
  const attentionTotal = Math.max(attention.length, model.attention.total ?? 0);
  const first = new Set(attention.map(pipeline => pipeline.name));
  const rest = model.pipelines.items.filter(
    pipeline => !first.has(pipeline.name)
  );
  const row = (pipeline: IPipelineView) => {
    const key = `pipeline:${pipeline.name}`;
    return (
      <PipelineRow
        key={pipeline.name}
        pipeline={pipeline}
        busy={model.busy(key)}
        problem={model.problem(key)}
        unscheduleAt={model.unscheduleAt(pipeline.name)}
      />
    );
  };
  return (
    <>
      <div className="jp-EtlFilters">
        <SearchField
          label={trans.__('Search pipelines')}
          value={search}
          onChange={text => model.filterPipelines({ search: text })}
        />
        <Segments<PipelineFilter>
          label={trans.__('Show')}
          name="jp-etl-filter"
          value={filter}
          options={[
            { value: 'all', label: trans.__('All') },
            { value: 'mine', label: trans.__('Mine') },
            { value: 'failing', label: trans.__('Needs attention') }
          ]}
          onChange={value => model.filterPipelines({ filter: value })}
        />
      </div>
      <PagedRows
        list={model.pipelines}
        label={trans.__('Pipelines')}
        empty={
          search || filter !== 'all' ? (
            <NoMatch filter={filter} />
          ) : (
            <FirstPipeline />
          )
        }
        groups={[
          {
            title: attention.length
              ? trans.__('Needs attention · %1', attentionTotal)
              : undefined,
            rows: attention.map(row)
          },
          {
            title: attention.length ? trans.__('Healthy') : undefined,
            rows: rest.map(row)
          }
        ]}
      />
    </>
  );
}

function NoMatch(props: { filter: PipelineFilter }): JSX.Element {
  const { model, trans } = useEtl();
  return (
    <EmptyState
      title={
        props.filter === 'failing'
          ? trans.__('Nothing needs attention')
          : trans.__('No matching pipelines')
      }
      text={trans.__('Other pipelines are hidden by the filter.')}
      actions={
        <Action
          label={trans.__('Show all')}
          text
          onClick={() => model.filterPipelines({ filter: 'all', search: '' })}
        />
      }
    />
  );
}

function FirstPipeline(): JSX.Element {
  const { opener, trans } = useEtl();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <EmptyState
      title={trans.__('No pipelines yet')}
      text={trans.__(
        'A pipeline is a notebook that runs on a schedule. Schedule the notebook you have open, or add this cell to it:'
      )}
      cell={`%load_ext jupyter_etl\n%etl schedule "weekdays at 06:00" --tz ${zone}`}
      actions={
        <Action
          label={trans.__('Schedule this notebook…')}
          icon={scheduleIcon}
          text
          onClick={() => opener.schedule()}
        />
      }
    />
  );
}

function unique(pipelines: IPipelineView[]): IPipelineView[] {
  return [...new Map(pipelines.map(item => [item.name, item])).values()];
}
