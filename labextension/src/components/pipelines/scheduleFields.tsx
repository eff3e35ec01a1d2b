import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  choosePreset,
  type IScheduleForm,
  type PresetKind,
  PRESETS,
  type Weekday,
  WEEKDAYS,
  writeWhen
} from '../../model';
import { useEtl } from '../shared/context';
import { Field } from '../shared/fields';
import { ErrorNotice } from '../shared/notice';
import { useFetched } from '../shared/useFetched';

/** The properties of each part of the form. */
export interface IFormPart {
  form: IScheduleForm;
  onChange: (form: IScheduleForm) => void;
}

/** The schedule: a preset, or words or cron. */
export function WhenFields(
  props: IFormPart & {
    error: string | undefined;
    zoneError: string | undefined;
  }
): JSX.Element {
  const { trans } = useEtl();
  const { form, onChange } = props;
  const { choice } = form;
  const timed = !['every15', 'hourly', 'custom'].includes(choice.kind);
  return (
    <>
      <div className="jp-EtlForm-pair">
        <Field label={trans.__('Repeat')}>
          {ids => (
            <HTMLSelect
              {...ids}
              className="jp-EtlForm-select"
              value={choice.kind}
              onChange={event =>
                onChange(
                  choosePreset(form, { kind: event.target.value as PresetKind })
                )
              }
            >
              {PRESETS.map(preset => (
                <option key={preset} value={preset}>
                  {presetLabel(preset, trans)}
                </option>
              ))}
            </HTMLSelect>
          )}
        </Field>
        {choice.kind === 'weekly' ? (
          <Field label={trans.__('On')}>
            {ids => (
              <HTMLSelect
                {...ids}
                className="jp-EtlForm-select"
                value={choice.weekday}
                onChange={event =>
                  onChange(
                    choosePreset(form, {
                      weekday: event.target.value as Weekday
                    })
                  )
                }
              >
                {WEEKDAYS.map((day, index) => (
                  <option key={day} value={day}>
                    {dayName(index)}
                  </option>
                ))}
              </HTMLSelect>
            )}
          </Field>
        ) : null}
        {choice.kind === 'monthly' ? (
          <Field label={trans.__('Day of the month')}>
            {ids => (
              <input
                {...ids}
                type="number"
                min={1}
                max={31}
                className="jp-mod-styled"
                value={choice.day}
                onChange={event =>
                  onChange(
                    choosePreset(form, { day: Number(event.target.value) || 1 })
                  )
                }
              />
            )}
          </Field>
        ) : null}
        {timed ? (
          <Field label={trans.__('At')}>
            {ids => (
              <input
                {...ids}
                type="time"
                className="jp-mod-styled"
                value={choice.time}
                onChange={event =>
                  onChange(
                    choosePreset(form, { time: event.target.value || '00:00' })
                  )
                }
              />
            )}
          </Field>
        ) : null}
      </div>
      <Field
        label={trans.__('Schedule in words or cron')}
        help={trans.__(
          '“every 15m”, “mon,thu at 09:00”, “0 6 * * 1-5”, or one instant “2026-03-01T06:00”'
        )}
        error={props.error}
      >
        {ids => (
          <input
            {...ids}
            type="text"
            className="jp-mod-styled jp-EtlForm-code"
            spellCheck={false}
            value={form.when}
            onChange={event => onChange(writeWhen(form, event.target.value))}
          />
        )}
      </Field>
      <ZoneField form={form} onChange={onChange} error={props.zoneError} />
    </>
  );
}

function ZoneField(
  props: IFormPart & { error: string | undefined }
): JSX.Element {
  const { trans } = useEtl();
  const list = React.useId();
  return (
    <Field label={trans.__('Timezone')} error={props.error}>
      {ids => (
        <>
          <input
            {...ids}
            type="text"
            list={list}
            className="jp-mod-styled"
            spellCheck={false}
            value={props.form.timezone}
            onChange={event =>
              props.onChange({ ...props.form, timezone: event.target.value })
            }
          />
          <datalist id={list}>
            {zones().map(zone => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

function zones(): string[] {
  // Firefox before 93 and the first Safari 15 do not know the list.
  const all = (
    Intl as { supportedValuesOf?: (key: string) => string[] }
  ).supportedValuesOf?.('timeZone');
  return ['UTC', ...(all ?? []).filter(zone => zone !== 'UTC')];
}

function dayName(index: number): string {
  // The first of January 2024 was a Monday.
  return new Date(2024, 0, 1 + index).toLocaleDateString(undefined, {
    weekday: 'long'
  });
}

function presetLabel(preset: PresetKind, trans: TranslationBundle): string {
  switch (preset) {
    case 'every15':
      return trans.__('Every 15 minutes');
    case 'hourly':
      return trans.__('Every hour');
    case 'daily':
      return trans.__('Every day');
    case 'weekdays':
      return trans.__('Every weekday');
    case 'weekly':
      return trans.__('Every week');
    case 'monthly':
      return trans.__('Every month');
    case 'custom':
      return trans.__('Custom');
  }
}

const MANY = 8;

/** The publications whose new versions start a run. */
export function AfterField(props: IFormPart): JSX.Element {
  const { model, trans } = useEtl();
  const [search, setSearch] = React.useState('');
  const { form, onChange } = props;
  const { value, error, retry } = useFetched(
    () => model.client.publications(''),
    [model]
  );
  const known = (value?.items ?? []).map(item => item.name);
  const names = [...new Set([...form.after, ...known])];
  const shown = names.filter(
    name => form.after.includes(name) || name.includes(search)
  );
  const toggle = (name: string) =>
    onChange({
      ...form,
      after: form.after.includes(name)
        ? form.after.filter(item => item !== name)
        : [...form.after, name]
    });
  return (
    <fieldset className="jp-EtlAfter">
      <legend>{trans.__('A new version of any of these starts a run')}</legend>
      {names.length > MANY ? (
        <input
          type="search"
          className="jp-mod-styled"
          aria-label={trans.__('Search publications')}
          placeholder={trans.__('Search publications')}
          value={search}
          onChange={event => setSearch(event.target.value)}
        />
      ) : null}
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {value && !names.length ? (
        <p className="jp-EtlField-note">{trans.__('No publications yet.')}</p>
      ) : null}
      <div className="jp-EtlAfter-names">
        {shown.slice(0, 100).map(name => (
          <label key={name}>
            <input
              type="checkbox"
              checked={form.after.includes(name)}
              onChange={() => toggle(name)}
            />
            <span>{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
