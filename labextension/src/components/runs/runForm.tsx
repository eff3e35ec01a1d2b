import * as React from 'react';

import type { ApiError, IPipelineParameters, ITriggerRequest } from '../../api';
import { useEtl } from '../shared/context';
import { EquivalentLine } from '../shared/equivalentLine';
import { Segments } from '../shared/fields';
import { ErrorNotice } from '../shared/notice';
import {
  ParameterFields,
  parameterOf,
  type Values
} from '../shared/parameterFields';
import { useTyped } from '../shared/useFetched';

/** The parameters of one run, and whether it publishes live versions. */
export function RunForm(props: {
  pipeline: string;
  info: IPipelineParameters;
  /** The error of the last attempt to start the run. */
  error: ApiError | null;
  /** Called with the request that the fields make. */
  onChange: (request: ITriggerRequest) => void;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { error, info, pipeline } = props;
  const [values, setValues] = React.useState<Values>({});
  const [draft, setDraft] = React.useState(false);
  const request = { parameters: { ...values }, draft };
  const key = JSON.stringify(request);
  React.useEffect(() => props.onChange(JSON.parse(key)), [key]);
  const lines = useTyped(request, body =>
    model.client.triggerLines(pipeline, body)
  );
  return (
    <div className="jp-EtlForm">
      <section aria-label={trans.__('Publish as')}>
        <Segments
          label={trans.__('Publish as')}
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
                'Runs version %1 and publishes drafts. Live versions do not change.',
                info.version
              )
            : trans.__(
                'Runs version %1. What it publishes becomes the newest version for all readers.',
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
      <EquivalentLine
        lines={lines.value}
        prefer="shell"
        stale={lines.pending}
      />
      {error && parameterOf(error, info.declared) === null ? (
        <ErrorNotice error={error} />
      ) : null}
    </div>
  );
}
