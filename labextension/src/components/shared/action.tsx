import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** A button; its tooltip shows the line that does the same. */
export function Action(props: {
  /** What it does, as the button's name. */
  label: string;
  /** What it acts on, for screen readers only. */
  of?: string;
  /** The `%etl` or command line that does the same. */
  line?: string;
  icon?: LabIcon;
  /** Show the label beside the icon. */
  text?: boolean;
  primary?: boolean;
  disabled?: boolean;
  onClick: () => void;
}): JSX.Element {
  const Icon = props.icon;
  const showText = props.text || !Icon;
  return (
    <button
      type="button"
      className={[
        'jp-EtlAction',
        showText ? 'jp-mod-text' : 'jp-mod-icon',
        props.primary ? 'jp-mod-primary' : ''
      ]
        .join(' ')
        .trim()}
      title={props.line ? `${props.label}\n${props.line}` : props.label}
      aria-label={props.of ? `${props.label}: ${props.of}` : props.label}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {Icon ? <Icon.react tag="span" className="jp-EtlAction-icon" /> : null}
      {showText ? <span>{props.label}</span> : null}
    </button>
  );
}
