import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { lines } from '../model';
import type { Tab } from '../tokens';
import { Action } from './action';
import { Announcer } from './announcer';
import { useEtl, useModel } from './context';
import { scheduleIcon } from './icons';
import { ErrorNotice, SharedError } from './notice';
import { PipelineList } from './pipelineList';
import { PublishedList } from './publishedList';
import { RunList } from './runList';
import { SchedulerNotice } from './schedulerNotice';
import { SourceList } from './sourceList';
import { Tabs, type ITabInfo } from './tabs';

/** The sidebar: four tabs, and above them what concerns all. */
export function PanelView(): JSX.Element {
  const { opener, trans } = useEtl();
  const model = useModel();
  const { summary, summaryError } = model;
  return (
    <div className="jp-EtlPanel-view">
      <div className="jp-EtlPanel-header">
        <h2>{trans.__('ETL')}</h2>
        <Action
          label={trans.__('Schedule this notebook …')}
          line={'%etl schedule'}
          icon={scheduleIcon}
          onClick={() => opener.schedule()}
        />
        <Action
          label={trans.__('Refresh')}
          line={lines.status}
          icon={refreshIcon}
          onClick={() => void model.refresh()}
        />
      </div>
      <Tabs
        tab={model.tab}
        infos={useInfos()}
        onChange={tab => {
          model.tab = tab;
        }}
      />
      {summaryError ? (
        <ErrorNotice
          error={summaryError}
          onRetry={() => void model.refresh()}
        />
      ) : summary && !summary.schedulers.length ? (
        <SchedulerNotice />
      ) : null}
      <div
        className="jp-EtlPanel-body"
        role="tabpanel"
        id="jp-etl-tabpanel"
        aria-labelledby={`jp-etl-tab-${model.tab}`}
        tabIndex={0}
      >
        <SharedError.Provider value={summaryError}>
          <TabBody tab={model.tab} />
        </SharedError.Provider>
      </div>
      <Announcer />
    </div>
  );
}

function TabBody(props: { tab: Tab }): JSX.Element {
  switch (props.tab) {
    case 'sources':
      return <SourceList />;
    case 'pipelines':
      return <PipelineList />;
    case 'runs':
      return <RunList />;
    case 'published':
      return <PublishedList />;
  }
}

function useInfos(): Record<Tab, ITabInfo> {
  const { model, trans } = useEtl();
  const { summary, runQuery } = model;
  const filtered = runQuery.pipeline !== '' || runQuery.state !== '';
  const listed = filtered || model.tab === 'runs' ? model.runs.total : null;
  return {
    sources: {
      label: trans.__('Sources'),
      count: summary?.sources ?? null,
      title: trans.__('Declared sources'),
      alert: 0
    },
    pipelines: {
      label: trans.__('Pipelines'),
      count: summary?.pipelines ?? null,
      title: summary?.attention
        ? trans.__('Pipelines; need you: %1', summary.attention)
        : trans.__('Pipelines'),
      alert: summary?.attention ?? 0
    },
    runs: {
      label: trans.__('Runs'),
      count: listed ?? (filtered ? null : (summary?.runs ?? null)),
      title: filtered ? trans.__('Runs that match') : trans.__('Runs'),
      alert: 0
    },
    published: {
      label: trans.__('Published'),
      count: summary?.publications ?? null,
      title: summary?.held
        ? trans.__(
            'Tables, files and reports; waiting for you: %1',
            summary.held
          )
        : trans.__('Tables, files and reports'),
      alert: summary?.held ?? 0
    }
  };
}
