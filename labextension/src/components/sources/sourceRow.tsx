import {
  addIcon,
  fileIcon,
  searchIcon,
  spreadsheetIcon,
  variableIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ISource, ITableInfo } from '../../api';
import { formatCount, formatMoment } from '../../model';
import { Action } from '../shared/action';
import { Columns } from '../shared/dataTable';
import { useEtl } from '../shared/context';
import { databaseIcon, etlIcon, tableIcon } from '../shared/icons';
import { ErrorNotice } from '../shared/notice';
import { Ago } from '../shared/clock';
import { Facts, Row } from '../shared/row';
import { useFetched } from '../shared/useFetched';

const ICONS: Record<string, LabIcon> = {
  csv: spreadsheetIcon,
  excel: spreadsheetIcon,
  parquet: tableIcon,
  sql: databaseIcon,
  frame: variableIcon,
  publication: etlIcon
};

/** A source: kind, location and, when expanded, tables. */
export const SourceRow = React.memo(function SourceRow(props: {
  source: ISource;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { source } = props;
  const [open, setOpen] = React.useState(false);
  const Icon = ICONS[source.kind] ?? fileIcon;
  return (
    <Row
      kind="source"
      name={source.name}
      open={open}
      onToggle={() => setOpen(!open)}
      sign={
        <span
          className="jp-EtlKind"
          role="img"
          aria-label={source.kind}
          title={source.kind}
        >
          <Icon.react tag="span" />
        </span>
      }
      title={source.name}
      aside={<span className="jp-EtlRow-owner">{source.kind}</span>}
      actions={
        source.kind === 'sql' || source.kind === 'frame' ? null : (
          <Action
            label={trans.__('Preview')}
            of={source.name}
            line={source.lines?.preview}
            icon={searchIcon}
            onClick={() =>
              opener.preview({ kind: 'source', name: source.name, table: '' })
            }
          />
        )
      }
      lines={
        <div className="jp-EtlRow-line" title={source.location}>
          {source.declared || source.location}
          {source.readonly ? ` · ${trans.__('read only')}` : ''}
          {source.next_try_at
            ? ` · ${trans.__('not reachable, next attempt %1', formatMoment(source.next_try_at))}`
            : ''}
        </div>
      }
    >
      <SourceDetails source={source} />
    </Row>
  );
});

function SourceDetails(props: { source: ISource }): JSX.Element {
  const { model, trans } = useEtl();
  const { source } = props;
  const {
    value: details,
    error,
    retry
  } = useFetched(
    () => model.client.source(source.name),
    [model, source.name, source.declared_at]
  );
  return (
    <>
      <Facts
        facts={[
          [
            trans.__('Location'),
            <span key="location" className="jp-Etl-break">
              {source.location}
            </span>
          ],
          source.owner ? [trans.__('Owner'), source.owner] : null,
          source.secrets.length
            ? [trans.__('Secrets'), secretUses(source).join(', ')]
            : null,
          source.declared_at
            ? [
                trans.__('Declared'),
                <Ago key="declared" at={source.declared_at} />
              ]
            : null
        ]}
      />
      {error ? (
        <ErrorNotice error={error} onRetry={retry} />
      ) : details === null ? (
        <div className="jp-EtlWaiting" role="status">
          {trans.__('Reading the source…')}
        </div>
      ) : (
        details.tables.map(table => (
          <Table key={table.name} source={source.name} table={table} />
        ))
      )}
    </>
  );
}

/** The names of the secrets of a source, each with the servers it may be sent to. */
function secretUses(source: ISource): string[] {
  const uses = new Map((source.secret_uses ?? []).map(use => [use.name, use]));
  return source.secrets.map(name => {
    const use = uses.get(name);
    const facts = [use?.owner, use?.allowed.join(', ')].filter(Boolean);
    return facts.length ? `${name} (${facts.join(': ')})` : name;
  });
}

function Table(props: { source: string; table: ITableInfo }): JSX.Element {
  const { opener, trans } = useEtl();
  const { source, table } = props;
  const name = table.name ? `${source}.${table.name}` : source;
  return (
    <section className="jp-EtlTable" aria-label={name}>
      <div className="jp-EtlTable-head">
        <code>{name}</code>
        <span className="jp-EtlTable-rows">
          {table.rows === null
            ? ''
            : trans._n(
                '%2 row',
                '%2 rows',
                table.rows,
                formatCount(table.rows)
              )}
        </span>
        <Action
          label={trans.__('Preview')}
          of={name}
          line={table.lines.preview}
          icon={searchIcon}
          onClick={() =>
            opener.preview({ kind: 'source', name: source, table: table.name })
          }
        />
        <Action
          label={trans.__('Insert cell to load it')}
          of={name}
          line={table.lines.load}
          icon={addIcon}
          disabled={!table.lines.load}
          onClick={() => opener.insertCell(table.lines.load)}
        />
      </div>
      {table.columns.length ? <Columns columns={table.columns} /> : null}
      {table.notes.length ? (
        <ul className="jp-EtlTable-notes" aria-label={trans.__('Notes')}>
          {table.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}
