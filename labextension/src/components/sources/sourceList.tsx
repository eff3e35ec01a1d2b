import * as React from 'react';

import { useEtl, useModel } from '../shared/context';
import { EmptyState } from '../shared/emptyState';
import { PagedRows } from '../shared/pagedRows';
import { SourceRow } from './sourceRow';

const CELL = `%load_ext jupyter_etl
from pathlib import Path

_ = Path("rides.csv").write_text("city,day,trips\\nOslo,2026-01-01,120\\nLima,2026-01-01,98\\n")
%etl source rides rides.csv
%etl preview rides -n 20`;

/** All declared sources. */
export function SourceList(): JSX.Element {
  const { trans } = useEtl();
  const model = useModel();
  return (
    <PagedRows
      list={model.sources}
      label={trans.__('Sources')}
      empty={
        <EmptyState
          title={trans.__('No sources yet')}
          text={trans.__(
            'A source is a name for a file, folder, database or URL. All your notebooks can load it by that name. Declare one in a cell:'
          )}
          cell={CELL}
        />
      }
      groups={[
        {
          rows: model.sources.items.map(source => (
            <SourceRow key={source.name} source={source} />
          ))
        }
      ]}
    />
  );
}
