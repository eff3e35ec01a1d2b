import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ICheckResult } from '../../api';
import { formatCount } from '../../model';
import { useEtl } from '../shared/context';
import { Status } from '../shared/status';

/** The checks of a run: rule, severity, result and failing rows. */
export function Checks(props: { checks: ICheckResult[] }): JSX.Element | null {
  const { trans } = useEtl();
  if (!props.checks.length) {
    return null;
  }
  return (
    <ul className="jp-EtlChecks" aria-label={trans.__('Checks')}>
      {props.checks.map((check, index) => (
        <li key={index} title={check.message}>
          <Status
            shape={SHAPES[check.status]}
            label={resultLabel(check, trans)}
          />
          <code>{check.rule.text}</code>
          <span className="jp-EtlChecks-dataset">{check.dataset}</span>
          {check.rule.severity === 'warn' ? (
            <span className="jp-EtlBadge">{trans.__('warning only')}</span>
          ) : null}
          {check.status !== 'pass' ? (
            <span className="jp-EtlChecks-message">
              {check.message}
              {check.failed_rows !== null ? (
                <span className="jp-EtlChecks-count">
                  {trans.__(
                    '%1 of %2 rows',
                    formatCount(check.failed_rows),
                    formatCount(check.total_rows)
                  )}
                </span>
              ) : null}
            </span>
          ) : null}
          {check.sample.length ? <Sample rows={check.sample} /> : null}
        </li>
      ))}
    </ul>
  );
}

const SHAPES = { pass: 'ok', warn: 'late', error: 'failing' } as const;

function Sample(props: { rows: Record<string, string>[] }): JSX.Element {
  const { trans } = useEtl();
  const columns = Object.keys(props.rows[0]);
  return (
    <details className="jp-EtlChecks-sample">
      <summary>
        {trans._n('%1 failing row', '%1 failing rows', props.rows.length)}
      </summary>
      <div tabIndex={0} role="region" aria-label={trans.__('Failing rows')}>
        <table>
          <thead>
            <tr>
              {columns.map(name => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {props.rows.map((row, index) => (
              <tr key={index}>
                {columns.map(name => (
                  <td key={name}>{row[name]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function resultLabel(check: ICheckResult, trans: TranslationBundle): string {
  switch (check.status) {
    case 'pass':
      return trans.__('Passed');
    case 'warn':
      return trans.__('Warning');
    case 'error':
      return trans.__('Failed');
  }
}
