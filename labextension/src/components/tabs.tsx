import * as React from 'react';

import { TABS, type Tab } from '../tokens';
import { useEtl } from './context';

/** What a tab says of itself. */
export interface ITabInfo {
  label: string;
  count: number | null;
  /** What the count counts. */
  title: string;
  /** How many of them need somebody. */
  alert: number;
}

/** The four tabs: arrows move, Home and End jump. */
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
