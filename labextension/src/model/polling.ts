import type { IDisposable } from '@lumino/disposable';
import { Debouncer, Poll } from '@lumino/polling';

/** How long after a hint the server is asked, so that a burst is one request. */
const HINT_DELAY_MS = 100;

/** The longest interval while a run is active, even if no event arrives. */
const ACTIVE_INTERVAL_MS = 3000;

/** Asks the server at intervals, and soon after a hint. */
export class Polling implements IDisposable {
  /**
   * @param options.fetch - Asks the server; the interval grows after each failure.
   * @param options.intervalMs - Between two polls.
   * @param options.auto - Whether to start at once.
   */
  constructor(options: {
    fetch: () => Promise<void>;
    intervalMs: number;
    auto: boolean;
  }) {
    this._intervalMs = options.intervalMs;
    this._debouncer = new Debouncer(() => this.refresh(), HINT_DELAY_MS);
    this._poll = new Poll({
      name: 'jupyterlab-etl:model',
      auto: options.auto,
      standby: 'when-hidden',
      frequency: { interval: this._intervalMs, backoff: true, max: 120_000 },
      factory: options.fetch
    });
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Milliseconds between two polls while no run is active. */
  set intervalMs(value: number) {
    this._intervalMs = value;
    this._pace();
  }

  /** Whether a run is active; then polls come more often. */
  set active(value: boolean) {
    this._active = value;
    this._pace();
  }

  async refresh(): Promise<void> {
    if (!this.isDisposed) {
      await this._poll.refresh();
      await this._poll.tick.catch(() => undefined);
    }
  }

  /** Something may have changed: ask soon. */
  hint(): void {
    this._debouncer.invoke().catch(() => undefined);
  }

  dispose(): void {
    this._debouncer.dispose();
    this._poll.dispose();
  }

  private _pace(): void {
    if (this.isDisposed) {
      return;
    }
    const interval = this._active
      ? Math.min(ACTIVE_INTERVAL_MS, this._intervalMs)
      : this._intervalMs;
    if (this._poll.frequency.interval !== interval) {
      this._poll.frequency = { ...this._poll.frequency, interval };
    }
  }

  private _intervalMs: number;
  private _active = false;
  private _debouncer: Debouncer;
  private _poll: Poll;
}
