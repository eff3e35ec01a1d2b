import type { TranslationBundle } from '@jupyterlab/translation';
import { notebookIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IRunView, IVerdict } from '../../api';
import { Action } from '../shared/action';
import { useEtl } from '../shared/context';
import { retryIcon } from '../shared/icons';

/** Why a run failed: kind of failure, message, cell and next steps. */
export function FailureCard(props: {
  run: IRunView;
  busy: boolean;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { run } = props;
  const sentence = run.verdict?.evidence || run.error;
  return (
    <section className="jp-EtlFailure" aria-label={trans.__('Failure')}>
      <div className="jp-EtlFailure-head">
        <span className="jp-EtlBadge">{verdictLabel(run.verdict, trans)}</span>
        {run.failed_cell !== null ? (
          <span className="jp-EtlFailure-cell">
            {trans.__('Cell %1', run.failed_cell + 1)}
          </span>
        ) : null}
      </div>
      {sentence ? <p className="jp-EtlFailure-sentence">{sentence}</p> : null}
      {run.error && !sentence.includes(run.error) ? (
        <details className="jp-EtlFailure-original">
          <summary>{trans.__('Original error')}</summary>
          <pre className="jp-EtlFailure-error" tabIndex={0}>
            {run.error}
          </pre>
        </details>
      ) : null}
      <div className="jp-EtlRow-buttons">
        <Action
          label={trans.__('Retry')}
          of={`#${run.id}`}
          line={run.lines.retry}
          icon={retryIcon}
          text
          primary
          disabled={props.busy}
          onClick={() => void model.retry(run.id)}
        />
        {run.resumable ? (
          <Action
            label={trans.__('Retry from the failed cell')}
            of={`#${run.id}`}
            line={run.lines.retry_from_failed_cell}
            icon={retryIcon}
            text
            disabled={props.busy}
            onClick={() => void model.retry(run.id, true)}
          />
        ) : null}
        {run.has_notebook ? (
          <Action
            label={trans.__('Open at failed cell')}
            of={`#${run.id}`}
            icon={notebookIcon}
            text
            onClick={() => opener.openRun(run.id, { cell: run.failed_cell })}
          />
        ) : null}
      </div>
      {run.resumable && run.version !== null ? (
        <p className="jp-EtlField-note">
          {trans.__(
            'Retry runs version %1 again. Retry from the failed cell deploys the saved notebook first if you have changed that cell or a later one.',
            run.version
          )}
        </p>
      ) : null}
    </section>
  );
}

function verdictLabel(
  verdict: IVerdict | null,
  trans: TranslationBundle
): string {
  switch (verdict?.kind) {
    case 'notebook':
      return trans.__('Notebook error');
    case 'data':
      return trans.__('Data error');
    case 'source':
      return trans.__('Source error');
    case 'platform':
      return trans.__('Platform error');
    default:
      return trans.__('Unknown cause');
  }
}
