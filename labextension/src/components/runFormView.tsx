import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ApiError, IPipelineParameters, ITriggerRequest } from '../api';
import { lines, readValues } from '../model';
import { Action } from './action';
import { useEtl } from './context';
import { Segments } from './fields';
import { ErrorNotice } from './notice';
import { ParameterFields, parameterOf, type Values } from './parameterFields';

/** What one run of a pipeline is given, and whether it publishes. */
export function RunFormView(props: {
  pipeline: string;
  info: IPipelineParameters;
  /** What the server said against the last attempt to run it. */
  error: ApiError | null;
  /** Called with what would be asked for. */
  onChange: (request: ITriggerRequest) => void;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { error, info, pipeline } = props;
  const [values, setValues] = React.useState<Values>({});
  const [draft, setDraft] = React.useState(false);
  const request = {
    parameters: readValues(values, info.declared),
    draft
  };
  const said = JSON.stringify(request);
  React.useEffect(() => props.onChange(JSON.parse(said)), [said]);
  const line = lines.trigger(pipeline, request);
  return (
    <div className="jp-EtlForm">
      <section aria-label={trans.__('What it publishes')}>
        <Segments
          label={trans.__('What it publishes')}
          name="jp-etl-draft"
          value={draft ? 'draft' : 'live'}
          options={[
            { value: 'live', label: trans.__('Live') },
            { value: 'draft', label: trans.__('Draft') }
          ]}
          onChange={value => setDraft(value === 'draft')}
        />
        <p className="jp-EtlField-note">
          {draft
            ? trans.__(
                'Version %1 runs. It publishes drafts; the live versions stay.',
                info.version
              )
            : trans.__(
                'Version %1 runs. What it publishes becomes the newest version, for all who read it.',
                info.version
              )}
        </p>
      </section>
      {info.declared.length ? (
        <section aria-label={trans.__('Parameters')}>
          <div className="jp-EtlForm-title">{trans.__('Parameters')}</div>
          <ParameterFields
            parameters={info.declared}
            values={values}
            deployed={info.values}
            error={error}
            onChange={setValues}
          />
        </section>
      ) : null}
      <section
        className="jp-EtlLine"
        aria-label={trans.__('The same in a terminal')}
      >
        <div className="jp-EtlForm-title">
          {trans.__('The same in a terminal')}
        </div>
        <code>{line}</code>
        <Action
          label={trans.__('Copy line')}
          icon={copyIcon}
          onClick={() => opener.copy(line)}
        />
      </section>
      {error && parameterOf(error, info.declared) === null ? (
        <ErrorNotice error={error} />
      ) : null}
    </div>
  );
}
