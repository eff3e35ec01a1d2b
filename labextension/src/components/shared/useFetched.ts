import * as React from 'react';

import { toApiError, type ApiError } from '../../api';
import { SharedError } from './notice';

/** A response or an error, and a way to try again. */
export interface IFetched<T> {
  value: T | null;
  error: ApiError | null;
  retry: () => void;
}

/**
 * Fetch at once, and again when a dependency changes.
 *
 * @param fetch - The request.
 * @param deps - What the response depends on; the last value stays until the next one arrives.
 */
export function useFetched<T>(
  fetch: () => Promise<T>,
  deps: readonly unknown[]
): IFetched<T> {
  const [value, setValue] = React.useState<T | null>(null);
  const [error, setError] = React.useState<ApiError | null>(null);
  const [attempt, retry] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    let live = true;
    fetch().then(
      answer => {
        if (live) {
          setValue(answer);
          setError(null);
        }
      },
      reason => {
        if (live) {
          setError(toApiError(reason));
        }
      }
    );
    return () => {
      live = false;
    };
  }, [...deps, attempt]);
  const shared = React.useContext(SharedError);
  React.useEffect(() => {
    if (shared === null && error !== null) {
      // The error that kept everything from being fetched is gone.
      retry();
    }
  }, [shared]);
  return { value, error, retry };
}

/** How long typing has to pause before the server is asked. */
const PAUSE_MS = 300;

/** The response to what is typed. */
export interface ITyped<T> {
  /** The last response, also while the next one is pending. */
  value: T | null;
  /** Of the last response; null where it succeeded. */
  error: ApiError | null;
  /** Whether the response to the latest input is pending. */
  pending: boolean;
}

/**
 * Send a form's request at once, and again when typing pauses.
 *
 * @param request - What is sent; nothing while it is null.
 * @param fetch - Sends it.
 */
export function useTyped<Q, T>(
  request: Q | null,
  fetch: (request: Q) => Promise<T>
): ITyped<T> {
  const [state, setState] = React.useState<
    Omit<ITyped<T>, 'pending'> & { key: string }
  >({ value: null, error: null, key: 'null' });
  const first = React.useRef(true);
  const key = JSON.stringify(request);
  React.useEffect(() => {
    let live = true;
    const settle = (value: T | null, error: ApiError | null) => {
      if (live) {
        setState({ value, error, key });
      }
    };
    const send = () =>
      fetch(JSON.parse(key)).then(
        value => settle(value, null),
        reason => settle(null, toApiError(reason))
      );
    if (key === 'null') {
      settle(null, null);
      return;
    }
    const timer = window.setTimeout(send, first.current ? 0 : PAUSE_MS);
    first.current = false;
    return () => {
      live = false;
      window.clearTimeout(timer);
    };
  }, [key]);
  return { value: state.value, error: state.error, pending: state.key !== key };
}
