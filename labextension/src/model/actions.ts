import type { IDisposable } from '@lumino/disposable';

import { toApiError, type ApiError } from '../api';

/** Actions that are running or deferred, and the errors and results of the last ones. */
export class Actions implements IDisposable {
  /**
   * @param options.changed - Called after each change.
   * @param options.graceMs - Time in which a deferred action can be undone.
   */
  constructor(options: { changed: () => void; graceMs: number }) {
    this._changed = options.changed;
    this._graceMs = options.graceMs;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Do something once at a time per key; its error is kept under the key. */
  async run(key: string, call: () => Promise<void>): Promise<boolean> {
    if (this._busy.has(key)) {
      return false;
    }
    this._busy.add(key);
    this._problems.delete(key);
    this._notices.delete(key);
    this._changed();
    try {
      await call();
      return true;
    } catch (reason) {
      this._problems.set(key, toApiError(reason));
      return false;
    } finally {
      this._busy.delete(key);
      this._changed();
    }
  }

  /** Do something after the grace time, unless it is undone. */
  later(name: string, call: () => Promise<void>): void {
    if (this._deferred.has(name)) {
      return;
    }
    const timer = setTimeout(() => {
      this._deferred.delete(name);
      void call();
    }, this._graceMs);
    this._deferred.set(name, { timer, at: Date.now() + this._graceMs });
    this._changed();
  }

  undo(name: string): void {
    const deferred = this._deferred.get(name);
    if (deferred) {
      clearTimeout(deferred.timer);
      this._deferred.delete(name);
      this._changed();
    }
  }

  problem(key: string): ApiError | null {
    return this._problems.get(key) ?? null;
  }

  /** Keep the result of an action under its key. */
  note(key: string, text: string): void {
    this._notices.set(key, text);
  }

  notice(key: string): string {
    return this._notices.get(key) ?? '';
  }

  dismiss(key: string): void {
    this._problems.delete(key);
    this._notices.delete(key);
    this._changed();
  }

  busy(key: string): boolean {
    return this._busy.has(key);
  }

  unscheduleAt(name: string): number | null {
    return this._deferred.get(name)?.at ?? null;
  }

  dispose(): void {
    this._disposed = true;
    for (const { timer } of this._deferred.values()) {
      clearTimeout(timer);
    }
    this._deferred.clear();
  }

  private _changed: () => void;
  private _graceMs: number;
  private _disposed = false;
  private _busy = new Set<string>();
  private _problems = new Map<string, ApiError>();
  private _notices = new Map<string, string>();
  private _deferred = new Map<
    string,
    { timer: ReturnType<typeof setTimeout>; at: number }
  >();
}
