import * as React from 'react';

import type { ApiError } from '../../api';
import { Action } from './action';
import { useEtl } from './context';
import { Status, type Shape } from './status';

/** A message with a status icon. */
export function Notice(props: {
  shape: Shape;
  label: string;
  children: React.ReactNode;
  actions?: React.ReactNode;
  /** Whether to interrupt a screen reader. */
  alert?: boolean;
}): JSX.Element {
  return (
    <div
      className={`jp-EtlNotice jp-mod-${props.shape}`}
      role={props.alert ? 'alert' : 'note'}
      aria-label={props.alert ? undefined : props.label}
    >
      <Status shape={props.shape} label={props.label} />
      <div className="jp-EtlNotice-body">{props.children}</div>
      {props.actions ? (
        <div className="jp-EtlNotice-actions">{props.actions}</div>
      ) : null}
    </div>
  );
}

/** The error that the panel shows above its tabs; null if there is none. */
export const SharedError = React.createContext<ApiError | null>(null);

/**
 * An error where it occurred, with its hint and a way to try again.
 *
 * Nothing where the panel shows the same error above its tabs.
 */
export function ErrorNotice(props: {
  error: ApiError;
  onRetry?: () => void;
  onDismiss?: () => void;
}): JSX.Element | null {
  const { trans } = useEtl();
  const shared = React.useContext(SharedError);
  const { error, onRetry, onDismiss } = props;
  if (shared !== null && shared.message === error.message) {
    return null;
  }
  return (
    <Notice
      shape="failing"
      label={trans.__('Error')}
      alert
      actions={
        <>
          {onRetry ? (
            <Action label={trans.__('Try again')} text onClick={onRetry} />
          ) : null}
          {onDismiss ? (
            <Action label={trans.__('Dismiss')} text onClick={onDismiss} />
          ) : null}
        </>
      }
    >
      <p className="jp-EtlNotice-message">{error.message}</p>
      {error.hint ? <p className="jp-EtlNotice-hint">{error.hint}</p> : null}
    </Notice>
  );
}
