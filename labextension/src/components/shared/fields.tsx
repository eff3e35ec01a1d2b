import { searchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** A search field that reports its text when typing pauses. */
export function SearchField(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  delayMs?: number;
}): JSX.Element {
  const [text, setText] = React.useState(props.value);
  const timer = React.useRef<number>();
  React.useEffect(() => setText(props.value), [props.value]);
  React.useEffect(() => () => window.clearTimeout(timer.current), []);
  const report = (value: string, delay: number) => {
    setText(value);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => props.onChange(value), delay);
  };
  return (
    <div className="jp-EtlSearch">
      <searchIcon.react tag="span" className="jp-EtlSearch-icon" />
      <input
        type="search"
        className="jp-EtlSearch-input"
        aria-label={props.label}
        placeholder={props.label}
        value={text}
        onChange={event => report(event.target.value, props.delayMs ?? 250)}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            report(text, 0);
          }
        }}
      />
    </div>
  );
}

/** A few choices side by side; native radio buttons underneath. */
export function Segments<T extends string>(props: {
  label: string;
  name: string;
  value: T;
  options: { value: T; label: string; title?: string }[];
  onChange: (value: T) => void;
}): JSX.Element {
  const id = React.useId();
  return (
    <div className="jp-EtlSegments" role="radiogroup" aria-label={props.label}>
      {props.options.map(option => (
        <label
          key={option.value}
          className="jp-EtlSegments-option"
          title={option.title}
        >
          <input
            type="radio"
            name={`${props.name}-${id}`}
            value={option.value}
            checked={option.value === props.value}
            onChange={() => props.onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

/** A labelled field of a form. */
export function Field(props: {
  label: string;
  help?: string;
  error?: string;
  /** Takes the whole width of the form. */
  wide?: boolean;
  children: (ids: {
    id: string;
    'aria-describedby'?: string;
    'aria-invalid'?: boolean;
  }) => React.ReactNode;
}): JSX.Element {
  const id = React.useId();
  const note = props.error || props.help;
  return (
    <div className={`jp-EtlField ${props.wide ? 'jp-mod-wide' : ''}`}>
      <label className="jp-EtlField-label" htmlFor={id}>
        {props.label}
      </label>
      {props.children({
        id,
        'aria-describedby': note ? `${id}-note` : undefined,
        'aria-invalid': props.error ? true : undefined
      })}
      {note ? (
        <div
          id={`${id}-note`}
          className={`jp-EtlField-note ${props.error ? 'jp-mod-invalid' : ''}`}
        >
          {note}
        </div>
      ) : null}
    </div>
  );
}
