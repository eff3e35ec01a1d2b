import * as React from 'react';

import type { IColumn, IPreview } from '../../api';
import { formatCount } from '../../model';
import { Action } from './action';
import { useEtl } from './context';

// As SQL and JSON write it, in every language.
const NULL = 'null';

const NUMBER = /^(u?int|float|double|decimal|half)/;

/** Rows of data under the names and types of their columns; missing values are shown as null. */
export function DataTable(props: {
  preview: IPreview;
  label: string;
}): JSX.Element {
  const { trans } = useEtl();
  const { columns, rows, total_rows: total } = props.preview;
  return (
    <div className="jp-EtlData">
      <p className="jp-EtlData-count" role="status">
        {total === null
          ? trans.__('Showing the first %1 rows', formatCount(rows.length))
          : trans.__(
              'Showing %1 of %2 rows',
              formatCount(rows.length),
              formatCount(total)
            )}
      </p>
      <div
        className="jp-EtlData-scroll"
        tabIndex={0}
        role="region"
        aria-label={props.label}
      >
        <table>
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th
                  key={index}
                  scope="col"
                  className={NUMBER.test(column.type) ? 'jp-mod-number' : ''}
                >
                  {column.name}
                  <span className="jp-EtlData-type">{column.type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, number) => (
              <tr key={number}>
                {row.map((value, index) => (
                  <td
                    key={index}
                    className={
                      NUMBER.test(columns[index]?.type ?? '')
                        ? 'jp-mod-number'
                        : ''
                    }
                  >
                    <Value value={value} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Value(props: { value: unknown }): JSX.Element {
  const { value } = props;
  if (value === null) {
    return <span className="jp-EtlData-null">{NULL}</span>;
  }
  if (typeof value === 'object') {
    return <code>{JSON.stringify(value)}</code>;
  }
  return <>{String(value)}</>;
}

const SHOWN = 12;

/** The columns of a table with their types. */
export function Columns(props: { columns: IColumn[] }): JSX.Element {
  const { trans } = useEtl();
  const [all, setAll] = React.useState(false);
  const rest = props.columns.length - SHOWN;
  return (
    <>
      <ul className="jp-EtlColumns" aria-label={trans.__('Columns')}>
        {(all ? props.columns : props.columns.slice(0, SHOWN)).map(column => (
          <li key={column.name}>
            <code>{column.name}</code>
            <span className="jp-EtlColumns-type">{column.type}</span>
          </li>
        ))}
      </ul>
      {rest > 0 && !all ? (
        <Action
          label={trans.__('Show %1 more columns', rest)}
          text
          onClick={() => setAll(true)}
        />
      ) : null}
    </>
  );
}
