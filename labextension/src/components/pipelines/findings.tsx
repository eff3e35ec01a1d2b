import * as React from 'react';

import type { IFinding } from '../../api';
import { useEtl } from '../shared/context';
import { Status } from '../shared/status';

/** Whether the findings block a deployment. */
export function hasErrors(findings: readonly IFinding[]): boolean {
  return findings.some(finding => finding.severity === 'error');
}

/** What preflight found in the notebook. */
export function Findings(props: { findings: IFinding[] }): JSX.Element {
  const { trans } = useEtl();
  if (!props.findings.length) {
    return (
      <p className="jp-EtlFindings-none">
        <Status shape="ok" label={trans.__('OK')} />
        {trans.__('Preflight found no problems.')}
      </p>
    );
  }
  const unchecked = new Set(props.findings.flatMap(one => one.unchecked)).size;
  return (
    <section aria-label={trans.__('Preflight')}>
      <div className="jp-EtlForm-title">{trans.__('Preflight')}</div>
      {hasErrors(props.findings) ? (
        <p className="jp-EtlFindings-verdict">
          {trans.__('A run would fail. You can still deploy the notebook.')}
        </p>
      ) : null}
      <ul className="jp-EtlFindings">
        {props.findings.map((finding, index) => (
          <li key={index}>
            <Severity severity={finding.severity} />
            <div>
              {finding.cell !== null ? (
                <span className="jp-EtlBadge">
                  {trans.__('cell %1', finding.cell + 1)}
                </span>
              ) : null}{' '}
              {finding.message}
              {finding.hint ? (
                <div className="jp-EtlField-note">{finding.hint}</div>
              ) : null}
            </div>
          </li>
        ))}
      </ul>
      {unchecked ? (
        <p className="jp-EtlFindings-verdict">
          {trans._n(
            '%1 cell could not be checked.',
            '%1 cells could not be checked.',
            unchecked
          )}
        </p>
      ) : null}
    </section>
  );
}

function Severity(props: { severity: IFinding['severity'] }): JSX.Element {
  const { trans } = useEtl();
  switch (props.severity) {
    case 'error':
      return <Status shape="failing" label={trans.__('Error')} />;
    case 'info':
      return <Status shape="waiting" label={trans.__('Note')} />;
    default:
      return <Status shape="late" label={trans.__('Warning')} />;
  }
}
