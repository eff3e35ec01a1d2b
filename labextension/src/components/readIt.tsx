import * as React from 'react';

import type { IPublicationDetails } from '../api';
import { lines } from '../model';
import { Action } from './action';
import { useEtl } from './context';

/** What to type to read a publication: here, on the command line, and in other engines. */
export function ReadIt(props: {
  publication: IPublicationDetails;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { name, kind, ways_in: ways, live, draft } = props.publication;
  const rows = ((live ?? draft)?.what.columns.length ?? 0) > 0;
  const shown = [
    ...(rows
      ? [
          {
            engine: 'Python',
            code: lines.python(name, { draft: live === null })
          }
        ]
      : []),
    ...(rows && live
      ? [
          {
            engine: trans.__('This version'),
            code: lines.python(name, { version: live.number })
          }
        ]
      : []),
    { engine: trans.__('Command line'), code: lines.read(props.publication) },
    ...ways.map(way => ({ ...way, engine: ENGINES[way.engine] ?? way.engine })),
    ...(live ? [{ engine: trans.__('Place'), code: live.what.location }] : []),
    ...(live && kind !== 'table'
      ? [
          {
            engine: trans.__('Link to the newest'),
            code: model.client.contentUrl(name)
          }
        ]
      : [])
  ];
  return (
    <dl className="jp-EtlReadIt">
      {shown.map(({ engine, code }) => (
        <React.Fragment key={engine}>
          <dt>{engine}</dt>
          <dd>
            <code>{code}</code>
            <Action
              label={trans.__('Copy')}
              of={engine}
              text
              onClick={() => opener.copy(code)}
            />
          </dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

const ENGINES: Record<string, string> = {
  polars: 'polars',
  duckdb: 'DuckDB',
  spark: 'Spark',
  trino: 'Trino'
};
