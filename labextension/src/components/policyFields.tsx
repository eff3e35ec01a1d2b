import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Catchup, Overlap } from '../api';
import { problemsOf } from '../model';
import { useEtl } from './context';
import { Field } from './fields';
import type { IFormPart } from './whenFields';

/** What happens when something goes wrong, and whose it is. */
export function PolicyFields(props: IFormPart): JSX.Element {
  const { trans } = useEtl();
  const { form, onChange } = props;
  const problems = problemsOf(form);
  return (
    <div className="jp-EtlForm-grid">
      <Field
        label={trans.__('Retries')}
        error={
          problems.includes('retries')
            ? trans.__('A whole number, 0 or more.')
            : undefined
        }
      >
        {ids => (
          <input
            {...ids}
            type="number"
            min={0}
            className="jp-mod-styled"
            value={form.retries}
            onChange={event =>
              onChange({ ...form, retries: event.target.value })
            }
          />
        )}
      </Field>
      <Field
        label={trans.__('Time limit')}
        error={
          problems.includes('timeout')
            ? trans.__('For example 90s, 30m or 1h30m.')
            : undefined
        }
      >
        {ids => (
          <input
            {...ids}
            type="text"
            className="jp-mod-styled"
            placeholder={trans.__('from past runs, at most 1h')}
            value={form.timeout}
            onChange={event =>
              onChange({ ...form, timeout: event.target.value })
            }
          />
        )}
      </Field>
      <Field label={trans.__('Missed times')}>
        {ids => (
          <HTMLSelect
            {...ids}
            className="jp-EtlForm-select"
            value={form.catchup}
            onChange={event =>
              onChange({ ...form, catchup: event.target.value as Catchup })
            }
          >
            <option value="latest">{trans.__('Run the latest')}</option>
            <option value="all">{trans.__('Run all')}</option>
            <option value="none">{trans.__('Skip them')}</option>
          </HTMLSelect>
        )}
      </Field>
      <Field label={trans.__('While one still runs')}>
        {ids => (
          <HTMLSelect
            {...ids}
            className="jp-EtlForm-select"
            value={form.overlap}
            onChange={event =>
              onChange({ ...form, overlap: event.target.value as Overlap })
            }
          >
            <option value="skip">{trans.__('Skip the new run')}</option>
            <option value="queue">{trans.__('Queue the new run')}</option>
            <option value="cancel-previous">
              {trans.__('Cancel the old run')}
            </option>
          </HTMLSelect>
        )}
      </Field>
      <Field
        label={trans.__('Name')}
        error={
          problems.includes('name') ? trans.__('It needs a name.') : undefined
        }
      >
        {ids => (
          <input
            {...ids}
            type="text"
            className="jp-mod-styled"
            spellCheck={false}
            value={form.name}
            onChange={event => onChange({ ...form, name: event.target.value })}
          />
        )}
      </Field>
      <Owner form={form} onChange={onChange} />
    </div>
  );
}

function Owner(props: IFormPart): JSX.Element {
  const { model, trans } = useEtl();
  return (
    <Field label={trans.__('Owner')}>
      {ids => (
        <input
          {...ids}
          type="text"
          className="jp-mod-styled"
          spellCheck={false}
          placeholder={model.summary?.owner}
          value={props.form.owner}
          onChange={event =>
            props.onChange({ ...props.form, owner: event.target.value })
          }
        />
      )}
    </Field>
  );
}
