import type { TranslationBundle } from '@jupyterlab/translation';
import { notebookIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IRunView, IVerdict } from '../api';
import { lines } from '../model';
import { Action } from './action';
import { useEtl } from './context';
import { retryIcon } from './icons';

/** Why a run failed: whose fault, one sentence, which cell, and the next step. */
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
            {trans.__('cell %1', run.failed_cell + 1)}
          </span>
        ) : null}
      </div>
      {sentence ? <p className="jp-EtlFailure-sentence">{sentence}</p> : null}
      {run.error && !sentence.includes(run.error) ? (
        <details className="jp-EtlFailure-original">
          <summary>{trans.__('As it was raised')}</summary>
          <pre className="jp-EtlFailure-error" tabIndex={0}>
            {run.error}
          </pre>
        </details>
      ) : null}
      <div className="jp-EtlRow-buttons">
        <Action
          label={trans.__('Retry')}
          of={`#${run.id}`}
          line={lines.retry(run.id)}
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
            line={lines.retryFromFailedCell(run.id)}
            icon={retryIcon}
            text
            disabled={props.busy}
            onClick={() => void model.retry(run.id, true)}
          />
        ) : null}
        {run.has_notebook ? (
          <Action
            label={trans.__('Open at the cell')}
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
            'Retry runs version %1 again. From the failed cell: if you have corrected that cell or later ones and saved the notebook, it is deployed first.',
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
      return trans.__('In the notebook');
    case 'data':
      return trans.__('In the data');
    case 'source':
      return trans.__('In the source');
    case 'platform':
      return trans.__('In the platform');
    default:
      return trans.__('Cause unknown');
  }
}
