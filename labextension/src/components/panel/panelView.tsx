import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type Tab, TABS } from '../../tokens';
import { PipelineList } from '../pipelines/pipelineList';
import { PublicationList } from '../publications/publicationList';
import { Announcer } from '../runs/announcer';
import { RunList } from '../runs/runList';
import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { scheduleIcon } from '../shared/icons';
import { ErrorNotice, SharedError } from '../shared/notice';
import { SourceList } from '../sources/sourceList';
import { SchedulerNotice } from './schedulerNotice';

/** The sidebar: four tabs, and above them what concerns all of them. */
export function PanelView(): JSX.Element {
  const { opener, trans } = useEtl();
  const model = useModel();
  const { summary, summaryError } = model;
  return (
    <div className="jp-EtlPanel-view">
      <div className="jp-EtlPanel-header">
        <h2>{trans.__('ETL')}</h2>
        <Action
          label={trans.__('Schedule this notebook…')}
          line="%etl schedule"
          icon={scheduleIcon}
          onClick={() => opener.schedule()}
        />
        <Action
          label={trans.__('Refresh')}
          line="%etl status"
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
      return <PublicationList />;
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
        ? trans._n(
            'Pipelines: %1 needs attention',
            'Pipelines: %1 need attention',
            summary.attention
          )
        : trans.__('Pipelines'),
      alert: summary?.attention ?? 0
    },
    runs: {
      label: trans.__('Runs'),
      count: listed ?? (filtered ? null : (summary?.runs ?? null)),
      title: filtered ? trans.__('Matching runs') : trans.__('Runs'),
      alert: 0
    },
    published: {
      label: trans.__('Published'),
      count: summary?.publications ?? null,
      title: summary?.held
        ? trans._n(
            'Tables, files and reports; %1 run pending approval',
            'Tables, files and reports; %1 runs pending approval',
            summary.held
          )
        : trans.__('Tables, files and reports'),
      alert: summary?.held ?? 0
    }
  };
}

/** The label, count and tooltip of a tab. */
export interface ITabInfo {
  label: string;
  count: number | null;
  /** Tooltip. */
  title: string;
  /** How many of them need attention. */
  alert: number;
}

/** The four tabs, with the arrow, Home and End keys. */
export function Tabs(props: {
  tab: Tab;
  infos: Record<Tab, ITabInfo>;
  onChange: (tab: Tab) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const nodes = React.useRef<Partial<Record<Tab, HTMLButtonElement | null>>>(
    {}
  );
  const onKeyDown = (event: React.KeyboardEvent) => {
    const at = TABS.indexOf(props.tab);
    const to: Record<string, number> = {
      ArrowRight: (at + 1) % TABS.length,
      ArrowLeft: (at + TABS.length - 1) % TABS.length,
      Home: 0,
      End: TABS.length - 1
    };
    if (event.key in to) {
      event.preventDefault();
      const tab = TABS[to[event.key]];
      props.onChange(tab);
      nodes.current[tab]?.focus();
    }
  };
  return (
    <div
      className="jp-EtlTabs"
      role="tablist"
      aria-label={trans.__('ETL')}
      onKeyDown={onKeyDown}
    >
      {TABS.map(tab => {
        const info = props.infos[tab];
        const selected = tab === props.tab;
        return (
          <button
            key={tab}
            ref={node => {
              nodes.current[tab] = node;
            }}
            type="button"
            role="tab"
            id={`jp-etl-tab-${tab}`}
            aria-selected={selected}
            aria-controls="jp-etl-tabpanel"
            tabIndex={selected ? 0 : -1}
            className="jp-EtlTabs-tab"
            title={info.title}
            onClick={() => props.onChange(tab)}
          >
            <span
              className={`jp-EtlTabs-count ${info.alert ? 'jp-mod-alert' : ''}`}
            >
              {info.count ?? '·'}
            </span>
            <span className="jp-EtlTabs-label">{info.label}</span>
          </button>
        );
      })}
    </div>
  );
}
