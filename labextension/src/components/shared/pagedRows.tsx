import * as React from 'react';

import type { IPagedList } from '../../tokens';
import { Action } from './action';
import { useEtl } from './context';
import { ErrorNotice } from './notice';

/** A list with its loading, error and empty states, and a button for more rows. */
export function PagedRows<T>(props: {
  list: IPagedList<T>;
  label: string;
  /** Shown when there is nothing. */
  empty: React.ReactNode;
  /** Groups of rows, in order; a group without a title has none. */
  groups: { title?: string; rows: React.ReactNode[] }[];
}): JSX.Element {
  const { trans } = useEtl();
  const { list } = props;
  if (list.error && !list.items.length) {
    return (
      <ErrorNotice error={list.error} onRetry={() => void list.refresh()} />
    );
  }
  if (list.total === null) {
    return (
      <div className="jp-EtlWaiting" role="status">
        {trans.__('Loading…')}
      </div>
    );
  }
  if (!list.items.length && !props.groups.some(group => group.rows.length)) {
    return <>{props.empty}</>;
  }
  const rest = list.total - list.items.length;
  return (
    <>
      {list.error ? (
        <ErrorNotice error={list.error} onRetry={() => void list.refresh()} />
      ) : null}
      {props.groups
        .filter(group => group.rows.length)
        .map((group, index) => (
          <section key={group.title ?? index}>
            {group.title ? (
              <h3 className="jp-EtlGroup-title">{group.title}</h3>
            ) : null}
            <ul className="jp-EtlRows" aria-label={group.title ?? props.label}>
              {group.rows}
            </ul>
          </section>
        ))}
      {rest > 0 ? (
        <div className="jp-EtlMore">
          <Action
            label={trans.__('Show more')}
            text
            disabled={list.loading}
            onClick={() => void list.more()}
          />
          <span className="jp-EtlMore-count">
            {trans.__(
              'Showing %1 of %2',
              list.items.length.toLocaleString(),
              list.total.toLocaleString()
            )}
          </span>
        </div>
      ) : null}
    </>
  );
}
