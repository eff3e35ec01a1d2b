import * as React from 'react';

import { toApiError, type ApiError } from '../api';
import { SharedError } from './notice';

/** What was fetched, what went wrong, and a way to try again. */
export interface IFetched<T> {
  value: T | null;
  error: ApiError | null;
  retry: () => void;
}

/**
 * Fetch when a row unfolds, and again when what it depends on changes.
 *
 * @param fetch - The request.
 * @param deps - What the answer depends on; the last value stays until the next is there.
 */
export function useFetched<T>(
  fetch: () => Promise<T>,
  deps: readonly unknown[]
): IFetched<T> {
  const [value, setValue] = React.useState<T | null>(null);
  const [error, setError] = React.useState<ApiError | null>(null);
  const [turn, retry] = React.useReducer((count: number) => count + 1, 0);
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
  }, [...deps, turn]);
  const shared = React.useContext(SharedError);
  React.useEffect(() => {
    if (shared === null && error !== null) {
      // What kept everything from being fetched is over.
      retry();
    }
  }, [shared]);
  return { value, error, retry };
}
