import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ApiError, Catchup, Overlap } from '../../api';
import { missingFields } from '../../model';
import { useEtl } from '../shared/context';
import { Field } from '../shared/fields';
import type { IFormPart } from './scheduleFields';

/** Retries, limits, name and owner. */
export function PolicyFields(
  props: IFormPart & {
    /** The error of the server about one of the fields, if any. */
    error: ApiError | null;
  }
): JSX.Element {
  const { trans } = useEtl();
  const { form, onChange } = props;
  const errorOf = (field: string) =>
    props.error?.field === field
      ? [props.error.message, props.error.hint].filter(Boolean).join(' ')
      : undefined;
  return (
    <div className="jp-EtlForm-grid">
      <Field label={trans.__('Retries')} error={errorOf('retries')}>
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
      <Field label={trans.__('Time limit')} error={errorOf('timeout')}>
        {ids => (
          <input
            {...ids}
            type="text"
            className="jp-mod-styled"
            placeholder={trans.__('automatic, up to 1h')}
            value={form.timeout}
            onChange={event =>
              onChange({ ...form, timeout: event.target.value })
            }
          />
        )}
      </Field>
      <Field label={trans.__('Missed runs')}>
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
            <option value="none">{trans.__('Skip all')}</option>
          </HTMLSelect>
        )}
      </Field>
      <Field label={trans.__('If a run is still active')}>
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
              {trans.__('Cancel the previous run')}
            </option>
          </HTMLSelect>
        )}
      </Field>
      <Field
        label={trans.__('Name')}
        error={
          missingFields(form).includes('name')
            ? trans.__('Enter a name.')
            : errorOf('name')
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
      <Field label={trans.__('Tags')} error={errorOf('tags')}>
        {ids => (
          <input
            {...ids}
            type="text"
            className="jp-mod-styled"
            spellCheck={false}
            placeholder={trans.__('team=ops, cost=7')}
            value={form.tags}
            onChange={event => onChange({ ...form, tags: event.target.value })}
          />
        )}
      </Field>
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
