import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ApiError, IDeployRequest, INotebookInfo } from '../api';
import {
  formFor,
  problemsOf,
  requestOf,
  scheduleLine,
  type IScheduleForm
} from '../model';
import { Action } from './action';
import { AfterField } from './afterField';
import { useEtl } from './context';
import { Segments } from './fields';
import { Findings } from './findings';
import { NextTimes, useSchedulePreview } from './nextTimes';
import { ErrorNotice, Notice } from './notice';
import { ParameterFields, parameterOf } from './parameterFields';
import { PinnedFiles } from './pinnedFiles';
import { PolicyFields } from './policyFields';
import { WhenFields } from './whenFields';

/** The schedule of one notebook, and what it means. */
export function ScheduleFormView(props: {
  path: string;
  info: INotebookInfo;
  /** What the server said against the last attempt to deploy. */
  error: ApiError | null;
  /** Called with what would be deployed; null while something is wrong. */
  onChange: (request: IDeployRequest | null) => void;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { info, path } = props;
  const [form, setForm] = React.useState<IScheduleForm>(() =>
    formFor(info, path)
  );
  const request = requestOf(form, path, info.parameters);
  const meaning = useSchedulePreview(request);
  const wrong = problemsOf(form).length > 0 || meaning.error !== null;
  const said = JSON.stringify(wrong ? null : request);
  React.useEffect(() => {
    props.onChange(JSON.parse(said));
  }, [said]);
  const refused = props.error?.field === 'shared';
  const [offerShared, setOfferShared] = React.useState(form.shared);
  React.useEffect(() => setOfferShared(offerShared || refused), [refused]);
  const line = scheduleLine(request);
  const part = { form, onChange: setForm };
  const wrongText = meaning.error
    ? [meaning.error.message, meaning.error.hint].filter(Boolean).join(' ')
    : undefined;
  const ofZone = meaning.error?.field === 'timezone';
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
                {trans.__('It runs only when somebody asks for it.')}
              </p>
            )}
          </div>
          {form.mode === 'demand' ? null : <NextTimes {...meaning} />}
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
        <PolicyFields {...part} />
      </section>
      <PinnedFiles {...part} files={info.files} />
      <Findings findings={info.findings} />
      <section
        className="jp-EtlLine"
        aria-label={trans.__('The same in a cell')}
      >
        <div className="jp-EtlForm-title">{trans.__('The same in a cell')}</div>
        <code>{line}</code>
        <Action
          label={trans.__('Copy line')}
          icon={copyIcon}
          onClick={() => opener.copy(line)}
        />
      </section>
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
          {trans.__('Publish it all the same, next to the other pipeline')}
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
        'Version %1 runs now. The notebook or a file of it has changed since: deploying makes version %2.',
        pipeline.version,
        pipeline.version + 1
      )}
    </Notice>
  ) : (
    <Notice shape="ok" label={trans.__('Deployed')}>
      {trans.__(
        'Version %1 runs now, and nothing has changed since.',
        pipeline.version
      )}
    </Notice>
  );
}
