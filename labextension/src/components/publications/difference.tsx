import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IDifference, IVersionDifference } from '../../api';
import { formatCount } from '../../model';
import { useEtl } from '../shared/context';

type Line = readonly [what: string, before: string, after: string];

/** Columns and row counts before and after. */
export function DifferenceTable(props: {
  difference: IDifference;
  label: string;
}): JSX.Element {
  const { trans } = useEtl();
  const found = linesOf(props.difference, trans);
  if (!found.length) {
    return (
      <p className="jp-EtlDifference-none">
        {trans.__('The columns and the number of rows are the same.')}
      </p>
    );
  }
  return (
    <table className="jp-EtlDifference" aria-label={props.label}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Item')}</th>
          <th scope="col">{trans.__('Before')}</th>
          <th scope="col">{trans.__('After')}</th>
        </tr>
      </thead>
      <tbody>
        {found.map(([what, before, after]) => (
          <tr key={what}>
            <th scope="row">{what}</th>
            <td>{before}</td>
            <td>{after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The differences between two versions: columns, rows and a sample of the changed rows. */
export function VersionDifferenceView(props: {
  found: IVersionDifference;
}): JSX.Element {
  const { trans } = useEtl();
  const { difference, rows, before, after } = props.found;
  return (
    <>
      <DifferenceTable
        difference={difference}
        label={trans.__('Versions %1 and %2', before, after)}
      />
      {rows === null ? (
        <p className="jp-EtlDifference-none">
          {trans.__('The table has no key, so its rows are not compared.')}
        </p>
      ) : (
        <>
          <p>
            {trans.__(
              'Rows by %1: %2 added, %3 removed, %4 changed',
              rows.key.join(', '),
              formatCount(rows.added),
              formatCount(rows.removed),
              formatCount(rows.changed)
            )}
          </p>
          <ul
            className="jp-EtlDifference-rows"
            aria-label={trans.__('Sample of the changed rows')}
          >
            {rows.sample.map((row, index) => (
              <li key={index}>
                <span className="jp-EtlBadge">{row.kind}</span>{' '}
                <code>
                  {Object.entries(row.key)
                    .map(([name, value]) => `${name}=${textOf(value)}`)
                    .join(', ')}
                </code>{' '}
                {Object.entries(row.values)
                  .map(
                    ([name, [old, fresh]]) =>
                      `${name}: ${textOf(old)} → ${textOf(fresh)}`
                  )
                  .join('; ')}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function linesOf(difference: IDifference, trans: TranslationBundle): Line[] {
  const { rows_before, rows_after, replaced_rows, new_rows } = difference;
  const column = (name: string) => trans.__('Column %1', name);
  const counted: Line[] = [];
  if (
    rows_before !== rows_after &&
    (rows_before !== null || rows_after !== null)
  ) {
    counted.push([
      trans.__('Rows'),
      count(rows_before),
      `${count(rows_after)} ${share(rows_before, rows_after)}`.trim()
    ]);
  }
  if (replaced_rows !== null && replaced_rows !== rows_before) {
    counted.push([
      trans.__('Rows replaced'),
      count(replaced_rows),
      `${count(new_rows)} ${share(replaced_rows, new_rows)}`.trim()
    ]);
  }
  return [
    ...counted,
    ...difference.added.map(
      item => [column(item.name), '—', item.type] as const
    ),
    ...difference.dropped.map(
      item => [column(item.name), item.type, trans.__('dropped')] as const
    ),
    ...difference.retyped.map(
      item => [column(item.name), item.before, item.after] as const
    )
  ];
}

function count(rows: number | null): string {
  return rows === null ? '—' : formatCount(rows);
}

function share(before: number | null, after: number | null): string {
  if (!before || after === null) {
    return '';
  }
  const change = new Intl.NumberFormat(undefined, {
    style: 'percent',
    maximumFractionDigits: 1,
    signDisplay: 'always'
  }).format((after - before) / before);
  return `(${change})`;
}

function textOf(value: string | null): string {
  return value ?? 'NULL';
}
