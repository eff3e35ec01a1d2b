import * as React from 'react';

import type { ApiError, IDeployRequest, INotebookInfo } from '../../api';
import {
  formFor,
  missingFields,
  readPreset,
  requestOf,
  type IScheduleForm
} from '../../model';
import { useEtl } from '../shared/context';
import { EquivalentLine } from '../shared/equivalentLine';
import { Segments } from '../shared/fields';
import { ErrorNotice, Notice } from '../shared/notice';
import { ParameterFields, parameterOf } from '../shared/parameterFields';
import { useTyped } from '../shared/useFetched';
import { Findings } from './findings';
import { PinnedFiles } from './pinnedFiles';
import { PolicyFields } from './policyFields';
import { AfterField, WhenFields } from './scheduleFields';
import { NextTimes, useSchedulePreview } from './schedulePreview';

/** Fields that show an error of the server themselves. */
const WITH_NOTES = ['retries', 'timeout', 'name'];

/** The schedule of one notebook, and its next runs. */
export function ScheduleForm(props: {
  path: string;
  info: INotebookInfo;
  /** The error of the last attempt to deploy. */
  error: ApiError | null;
  /** Called with the request that the fields make; null while a field is wrong. */
  onChange: (request: IDeployRequest | null) => void;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { info, path } = props;
  const [form, setForm] = React.useState<IScheduleForm>(() =>
    formFor(info, path)
  );
  const request = requestOf(form, path, info);
  const preview = useSchedulePreview(request);
  const lines = useTyped(request, body => model.client.scheduleLines(body));
  const read = preview.value;
  React.useEffect(() => {
    if (read && !preview.pending && form.mode === 'times') {
      setForm(current => readPreset(current, read.preset));
    }
  }, [read]);
  const wrong =
    missingFields(form).length > 0 ||
    preview.error !== null ||
    lines.error !== null;
  const key = JSON.stringify(wrong ? null : request);
  React.useEffect(() => {
    props.onChange(JSON.parse(key));
  }, [key]);
  const conflict = props.error?.field === 'shared';
  const [offerShared, setOfferShared] = React.useState(form.shared);
  React.useEffect(() => setOfferShared(offerShared || conflict), [conflict]);
  const part = { form, onChange: setForm };
  const wrongText = preview.error
    ? [preview.error.message, preview.error.hint].filter(Boolean).join(' ')
    : undefined;
  const ofZone = preview.error?.field === 'timezone';
  return (
    <div className="jp-EtlForm">
      <Deployed info={info} />
      <section aria-label={trans.__('When')}>
        <Segments
          label={trans.__('When')}
          name="jp-etl-mode"
          value={form.mode}
          options={[
            { value: 'times', label: trans.__('At set times') },
            { value: 'after', label: trans.__('After new data') },
            { value: 'demand', label: trans.__('On demand') }
          ]}
          onChange={mode => setForm({ ...form, mode })}
        />
        <div className="jp-EtlForm-when">
          <div>
            {form.mode === 'times' ? (
              <WhenFields
                {...part}
                error={ofZone ? undefined : wrongText}
                zoneError={ofZone ? wrongText : undefined}
              />
            ) : form.mode === 'after' ? (
              <AfterField {...part} />
            ) : (
              <p className="jp-EtlField-note">
                {trans.__('The pipeline runs only when you start it.')}
              </p>
            )}
          </div>
          {form.mode === 'demand' ? null : <NextTimes {...preview} />}
        </div>
      </section>
      {info.parameters.length || Object.keys(form.values).length ? (
        <section aria-label={trans.__('Parameters')}>
          <div className="jp-EtlForm-title">{trans.__('Parameters')}</div>
          <ParameterFields
            parameters={info.parameters}
            values={form.values}
            error={props.error}
            onChange={values => setForm({ ...form, values })}
          />
        </section>
      ) : null}
      <section aria-label={trans.__('Policy')}>
        <div className="jp-EtlForm-title">{trans.__('Policy')}</div>
        <PolicyFields {...part} error={lines.error} />
      </section>
      <PinnedFiles {...part} files={info.files} />
      <Findings findings={info.findings} />
      <EquivalentLine
        lines={lines.value}
        prefer="magic"
        stale={lines.pending}
      />
      {lines.error && !WITH_NOTES.includes(lines.error.field) ? (
        <ErrorNotice error={lines.error} />
      ) : null}
      {props.error && parameterOf(props.error, info.parameters) === null ? (
        <ErrorNotice error={props.error} />
      ) : null}
      {offerShared ? (
        <label className="jp-EtlForm-check">
          <input
            type="checkbox"
            checked={form.shared}
            onChange={event =>
              setForm({ ...form, shared: event.target.checked })
            }
          />
          {trans.__('Let both pipelines publish it')}
        </label>
      ) : null}
    </div>
  );
}

function Deployed(props: { info: INotebookInfo }): JSX.Element | null {
  const { trans } = useEtl();
  const { pipeline, changed } = props.info;
  if (!pipeline) {
    return null;
  }
  return changed ? (
    <Notice shape="late" label={trans.__('Changed')}>
      {trans.__(
        'Version %1 is deployed. The notebook or one of its files has changed since. Deploying creates version %2.',
        pipeline.version,
        pipeline.version + 1
      )}
    </Notice>
  ) : (
    <Notice shape="ok" label={trans.__('Deployed')}>
      {trans.__(
        'Version %1 is deployed. Nothing has changed since.',
        pipeline.version
      )}
    </Notice>
  );
}
