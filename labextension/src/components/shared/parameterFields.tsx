import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ApiError, IParameter } from '../../api';
import { formatValue } from '../../model';
import { useEtl } from './context';

/** Values as typed, by name; an empty field is left out. */
export type Values = Readonly<Record<string, string>>;

/** The declared parameter whose value an error is about; null for any other error. */
export function parameterOf(
  error: ApiError | null,
  parameters: readonly IParameter[]
): string | null {
  const found = parameters.find(({ name }) => isAbout(error, name));
  return found?.name ?? null;
}

function isAbout(error: ApiError | null, name: string): boolean {
  return error?.field === `parameters.${name}`;
}

/** The notebook's parameters; an empty field keeps what is deployed, or the notebook's default. */
export function ParameterFields(props: {
  parameters: readonly IParameter[];
  values: Values;
  /** The values used where a field is empty, instead of the defaults. */
  deployed?: Readonly<Record<string, unknown>>;
  /** The error of the last request, which may be about a value. */
  error: ApiError | null;
  onChange: (values: Values) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const { deployed = {}, error, parameters, values } = props;
  const unknown = Object.keys(values).filter(
    name => !parameters.some(parameter => parameter.name === name)
  );
  const set = (name: string, text: string) => {
    const others = Object.entries(values).filter(([key]) => key !== name);
    props.onChange(
      Object.fromEntries(text === '' ? others : [...others, [name, text]])
    );
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
                value={values[parameter.name] ?? ''}
                deployed={deployed[parameter.name]}
                error={isAbout(error, parameter.name) ? error : null}
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
  deployed: unknown;
  error: ApiError | null;
  onChange: (text: string) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const { deployed, error, parameter, value } = props;
  const id = React.useId();
  const input = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (error) {
      input.current?.querySelector<HTMLElement>('input, select')?.focus();
    }
  }, [error]);
  const ids = {
    'aria-label': trans.__('Value of %1', parameter.name),
    'aria-describedby': error ? id : undefined,
    'aria-invalid': error ? true : undefined
  };
  const empty =
    deployed !== undefined
      ? trans.__('deployed: %1', formatValue(deployed))
      : parameter.default === null
        ? trans.__('required')
        : trans.__('default: %1', parameter.default);
  return (
    <div ref={input}>
      {parameter.type === 'bool' ? (
        <HTMLSelect
          {...ids}
          className="jp-EtlForm-select"
          value={value.toLowerCase()}
          onChange={event => props.onChange(event.target.value)}
        >
          <option value="">{empty}</option>
          <option value="true">{trans.__('true')}</option>
          <option value="false">{trans.__('false')}</option>
        </HTMLSelect>
      ) : (
        <input
          {...ids}
          type="text"
          inputMode={
            parameter.type === 'int' || parameter.type === 'float'
              ? 'decimal'
              : undefined
          }
          className="jp-mod-styled"
          spellCheck={false}
          title={parameter.help || undefined}
          placeholder={empty}
          value={value}
          onChange={event => props.onChange(event.target.value)}
        />
      )}
      {error ? (
        <div id={id} className="jp-EtlField-note jp-mod-invalid" role="alert">
          {[error.message, error.hint].filter(Boolean).join(' ')}
        </div>
      ) : null}
    </div>
  );
}
