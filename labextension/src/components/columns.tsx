import * as React from 'react';

import type { IColumn } from '../api';
import { Action } from './action';
import { useEtl } from './context';

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
          label={trans.__('%1 more columns', rest)}
          text
          onClick={() => setAll(true)}
        />
      ) : null}
    </>
  );
}
