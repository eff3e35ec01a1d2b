import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IParameter } from '../api';
import { useEtl } from './context';
import type { IFormPart } from './whenFields';

/** The notebook's parameters; an empty field keeps the notebook's default. */
export function ParameterFields(
  props: IFormPart & { parameters: IParameter[] }
): JSX.Element {
  const { trans } = useEtl();
  const { form, onChange, parameters } = props;
  const unknown = Object.keys(form.values).filter(
    name => !parameters.some(parameter => parameter.name === name)
  );
  const set = (name: string, text: string) => {
    const values = { ...form.values };
    if (text === '') {
      delete values[name];
    } else {
      values[name] = text;
    }
    onChange({ ...form, values });
  };
  return (
    <table className="jp-EtlParameters">
      <thead>
        <tr>
          <th scope="col">{trans.__('Parameter')}</th>
          <th scope="col">{trans.__('Type')}</th>
          <th scope="col">{trans.__('Value')}</th>
        </tr>
      </thead>
      <tbody>
        {parameters.map(parameter => (
          <tr key={parameter.name}>
            <th scope="row" title={parameter.help || undefined}>
              <code>{parameter.name}</code>
            </th>
            <td>{parameter.type}</td>
            <td>
              <Value
                parameter={parameter}
                value={form.values[parameter.name] ?? ''}
                onChange={text => set(parameter.name, text)}
              />
            </td>
          </tr>
        ))}
        {unknown.map(name => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td>{trans.__('no longer declared')}</td>
            <td>
              <button
                type="button"
                className="jp-EtlAction jp-mod-text"
                onClick={() => set(name, '')}
              >
                {trans.__('Remove')}
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value(props: {
  parameter: IParameter;
  value: string;
  onChange: (text: string) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const { parameter, value } = props;
  const label = trans.__('Value of %1', parameter.name);
  const fallback = parameter.default ?? '';
  if (parameter.type === 'bool') {
    return (
      <HTMLSelect
        className="jp-EtlForm-select"
        aria-label={label}
        value={value.toLowerCase()}
        onChange={event => props.onChange(event.target.value)}
      >
        <option value="">{trans.__('default: %1', fallback)}</option>
        <option value="true">{trans.__('true')}</option>
        <option value="false">{trans.__('false')}</option>
      </HTMLSelect>
    );
  }
  return (
    <input
      type="text"
      inputMode={
        parameter.type === 'int' || parameter.type === 'float'
          ? 'decimal'
          : undefined
      }
      className="jp-mod-styled"
      spellCheck={false}
      aria-label={label}
      title={parameter.help || undefined}
      placeholder={
        parameter.default === null
          ? trans.__('needs a value')
          : trans.__('default: %1', fallback)
      }
      value={value}
      onChange={event => props.onChange(event.target.value)}
    />
  );
}
