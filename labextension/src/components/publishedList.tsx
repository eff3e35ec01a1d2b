import * as React from 'react';

import type { IPublicationView } from '../api';
import { Action } from './action';
import { useEtl, useModel } from './context';
import { EmptyState } from './emptyState';
import { SearchField } from './fields';
import { Holds } from './holdCard';
import { PagedRows } from './list';
import { PublishedRow } from './publishedRow';

const CELL = `%load_ext jupyter_etl
import pandas as pd

rides = pd.DataFrame({"city": ["Oslo", "Lima"], "trips": [120, 98]})
%etl publish table demo.rides rides`;

/** All publications, those that are too old first. */
export function PublishedList(): JSX.Element {
  const { trans } = useEtl();
  const model = useModel();
  const late = (item: IPublicationView) =>
    item.fresh === 'error' || item.fresh === 'warn';
  const old = model.published.items.filter(late);
  const rest = model.published.items.filter(item => !late(item));
  const row = (item: IPublicationView) => (
    <PublishedRow key={item.name} publication={item} />
  );
  return (
    <>
      <div className="jp-EtlFilters">
        <SearchField
          label={trans.__('Search publications')}
          value={model.search}
          onChange={text => model.filterPublished(text)}
        />
      </div>
      <Holds />
      <PagedRows
        list={model.published}
        label={trans.__('Published')}
        empty={
          model.search ? (
            <EmptyState
              title={trans.__('No publication matches')}
              text={trans.__('Other publications are hidden by the search.')}
              actions={
                <Action
                  label={trans.__('Show all')}
                  text
                  onClick={() => model.filterPublished('')}
                />
              }
            />
          ) : (
            <EmptyState
              title={trans.__('Nothing published yet')}
              text={trans.__(
                'A publication is a table, file or report that others read by its name. Run by hand it is a draft; a scheduled run publishes it live.'
              )}
              cell={CELL}
            />
          )
        }
        groups={[
          {
            title: old.length
              ? trans.__('Needs you · %1', old.length)
              : undefined,
            rows: old.map(row)
          },
          {
            title: old.length ? trans.__('The others') : undefined,
            rows: rest.map(row)
          }
        ]}
      />
    </>
  );
}
