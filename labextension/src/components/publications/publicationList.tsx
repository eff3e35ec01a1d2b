import * as React from 'react';

import type { IPublicationView } from '../../api';
import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { EmptyState } from '../shared/emptyState';
import { SearchField } from '../shared/fields';
import { Holds } from '../runs/holdCard';
import { PagedRows } from '../shared/pagedRows';
import { PublicationRow } from './publicationRow';

const CELL = `%load_ext jupyter_etl
import pandas as pd

rides = pd.DataFrame({"city": ["Oslo", "Lima"], "trips": [120, 98]})
%etl publish table demo.rides rides`;

/** All publications; stale ones first. */
export function PublicationList(): JSX.Element {
  const { trans } = useEtl();
  const model = useModel();
  const isStale = (item: IPublicationView) =>
    item.fresh === 'error' || item.fresh === 'warn';
  const stale = model.published.items.filter(isStale);
  const rest = model.published.items.filter(item => !isStale(item));
  const row = (item: IPublicationView) => (
    <PublicationRow key={item.name} publication={item} />
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
              title={trans.__('No matching publications')}
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
              title={trans.__('No publications yet')}
              text={trans.__(
                'A publication is a table, file or report that others read by name. Published from a notebook it is a draft; a run publishes a live version.'
              )}
              cell={CELL}
            />
          )
        }
        groups={[
          {
            title: stale.length
              ? trans.__('Needs attention · %1', stale.length)
              : undefined,
            rows: stale.map(row)
          },
          {
            title: stale.length ? trans.__('Healthy') : undefined,
            rows: rest.map(row)
          }
        ]}
      />
    </>
  );
}
