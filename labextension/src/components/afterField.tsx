import * as React from 'react';

import { useEtl } from './context';
import { ErrorNotice } from './notice';
import { useFetched } from './useFetched';
import type { IFormPart } from './whenFields';

const MANY = 8;

/** After which publications: any new version of them starts a run. */
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
        <p className="jp-EtlField-note">
          {trans.__('Nothing is published yet.')}
        </p>
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
