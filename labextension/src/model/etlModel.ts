import type { Event } from '@jupyterlab/services';
import { Signal, type ISignal } from '@lumino/signaling';

import {
  ApiError,
  toApiError,
  type EtlClient,
  type IDeployment,
  type IDeployRequest,
  type IHold,
  type IPipelineView,
  type IPublicationView,
  type IRunEvent,
  type IRunView,
  type ISource,
  type ISummary,
  type ITriggerRequest,
  type IWatermark,
  type PipelineFilter
} from '../api';
import type { IEtlModel, IPipelineQuery, IRunQuery, Tab } from '../tokens';
import { Actions } from './actions';
import { isTerminal, parseRunEvent } from './events';
import { Lists } from './lists';
import type { PagedList } from './pagedList';
import { Polling } from './polling';

/** How often, and how far apart, to check for a scheduler that was started. */
const SCHEDULER_TRIES = 20;
const SCHEDULER_DELAY_MS = 1000;

/** The state of the panel: polled from the server, with events as hints. */
export class EtlModel implements IEtlModel {
  /**
   * @param options.client - The REST API.
   * @param options.events - Progress events of runs; optional.
   * @param options.intervalMs - Between two polls.
   * @param options.filter - Which pipelines to show at first.
   * @param options.graceMs - Time in which unscheduling can be undone.
   */
  constructor(options: EtlModel.IOptions) {
    this.client = options.client;
    this._events = options.events ?? null;
    this._lists = new Lists({
      client: options.client,
      filter: options.filter ?? 'all',
      changed: () => this._changed.emit()
    });
    this._actions = new Actions({
      changed: () => this._changed.emit(),
      graceMs: options.graceMs ?? 8000
    });
    this._events?.stream.connect(this._onEvent, this);
    this._polling = new Polling({
      fetch: () => this._fetch(),
      intervalMs: options.intervalMs ?? 10_000,
      auto: options.auto ?? true
    });
  }

  readonly client: EtlClient;

  get changed(): ISignal<IEtlModel, void> {
    return this._changed;
  }

  get runChanged(): ISignal<IEtlModel, IRunEvent> {
    return this._runChanged;
  }

  get deployed(): ISignal<IEtlModel, string> {
    return this._deployed;
  }

  get versionsChanged(): ISignal<IEtlModel, void> {
    return this._versionsChanged;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  get summary(): ISummary | null {
    return this._summary;
  }

  get summaryError(): ApiError | null {
    return this._summaryError;
  }

  get sources(): PagedList<ISource> {
    return this._lists.sources;
  }

  get pipelines(): PagedList<IPipelineView> {
    return this._lists.pipelines;
  }

  get attention(): PagedList<IPipelineView> {
    return this._lists.attention;
  }

  get runs(): PagedList<IRunView> {
    return this._lists.runs;
  }

  get published(): PagedList<IPublicationView> {
    return this._lists.published;
  }

  get holds(): PagedList<IHold> {
    return this._lists.holds;
  }

  get tab(): Tab {
    return this._tab;
  }
  set tab(value: Tab) {
    if (value !== this._tab) {
      this._tab = value;
      this._changed.emit();
      void this.refresh();
    }
  }

  get watched(): boolean {
    return this._watched;
  }
  set watched(value: boolean) {
    if (value !== this._watched) {
      this._watched = value;
      if (value) {
        void this.refresh();
      }
    }
  }

  get pipelineQuery(): IPipelineQuery {
    return this._lists.pipelineQuery;
  }

  get runQuery(): IRunQuery {
    return this._lists.runQuery;
  }

  get search(): string {
    return this._lists.search;
  }

  get openRun(): number | null {
    return this._openRun;
  }
  set openRun(value: number | null) {
    if (value !== this._openRun) {
      this._openRun = value;
      this._changed.emit();
    }
  }

  /** Milliseconds between two polls. */
  set intervalMs(value: number) {
    this._polling.intervalMs = value;
  }

  filterPipelines(query: Partial<IPipelineQuery>): void {
    this._lists.filterPipelines(query);
    void this._fetchTab();
  }

  filterRuns(query: Partial<IRunQuery>): void {
    this._lists.filterRuns(query);
    void this._fetchTab();
  }

  filterPublished(search: string): void {
    this._lists.filterPublished(search);
    void this._fetchTab();
  }

  refresh(): Promise<void> {
    return this._polling.refresh();
  }

  startScheduler(): Promise<void> {
    return this._act('scheduler', async () => {
      await this.client.startScheduler();
      for (let tries = 0; tries < SCHEDULER_TRIES; tries++) {
        await this.refresh();
        if (this._summary?.schedulers.length || this._disposed) {
          return;
        }
        await new Promise(done => setTimeout(done, SCHEDULER_DELAY_MS));
      }
      throw new ApiError({
        message: 'The scheduler was started but does not send heartbeats yet.',
        hint: 'See scheduler.log in the ETL home folder, or run: jupyter etl doctor'
      });
    });
  }

  async deploy(request: IDeployRequest): Promise<IDeployment> {
    const deployment = await this.client.deploy(request);
    this._deployed.emit(request.notebook);
    return deployment;
  }

  noteExecuted(): void {
    this._deployed.emit('');
    this._polling.hint();
  }

  async trigger(pipeline: string, request: ITriggerRequest): Promise<IRunView> {
    const run = await this.client.trigger(pipeline, request);
    void this.refresh();
    return run;
  }

  pause(pipeline: string): Promise<void> {
    return this._act(`pipeline:${pipeline}`, () => this.client.pause(pipeline));
  }

  resume(pipeline: string): Promise<void> {
    return this._act(`pipeline:${pipeline}`, () =>
      this.client.resume(pipeline)
    );
  }

  async relink(pipeline: string, notebook?: string): Promise<boolean> {
    await this._act(`pipeline:${pipeline}`, () =>
      this.client.relink(pipeline, notebook ?? null)
    );
    return this.problem(`pipeline:${pipeline}`) === null;
  }

  unschedule(pipeline: string): void {
    this._actions.later(pipeline, () =>
      this._act(`pipeline:${pipeline}`, () => this.client.unschedule(pipeline))
    );
  }

  undoUnschedule(pipeline: string): void {
    this._actions.undo(pipeline);
  }

  cancel(run: number): Promise<void> {
    return this._act(`run:${run}`, () => this.client.cancel(run));
  }

  retry(run: number, fromFailedCell = false): Promise<void> {
    return this._act(`run:${run}`, async () => {
      const { words } = await this.client.retry(run, fromFailedCell);
      if (fromFailedCell) {
        this._actions.note(`run:${run}`, words);
      }
    });
  }

  async approve(run: number): Promise<boolean> {
    return this._decide(`run:${run}`, () => this.client.approve(run));
  }

  async reject(run: number): Promise<boolean> {
    return this._decide(`run:${run}`, () => this.client.reject(run));
  }

  async promote(endpoint: string, version: number): Promise<boolean> {
    return this._decide(`publication:${endpoint}`, () =>
      this.client.promote(endpoint, version)
    );
  }

  async rollback(publication: string, to: number): Promise<boolean> {
    return this._decide(`publication:${publication}`, () =>
      this.client.rollback(publication, to)
    );
  }

  resetWatermark(mark: IWatermark): Promise<boolean> {
    return this._actions.run(`pipeline:${mark.pipeline}`, () =>
      this.client.resetWatermark(mark)
    );
  }

  problem(key: string): ApiError | null {
    return this._actions.problem(key);
  }

  notice(key: string): string {
    return this._actions.notice(key);
  }

  dismiss(key: string): void {
    this._actions.dismiss(key);
  }

  busy(key: string): boolean {
    return this._actions.busy(key);
  }

  unscheduleAt(pipeline: string): number | null {
    return this._actions.unscheduleAt(pipeline);
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._events?.stream.disconnect(this._onEvent, this);
    this._actions.dispose();
    this._polling.dispose();
    Signal.clearData(this);
  }

  private async _act(key: string, call: () => Promise<void>): Promise<void> {
    if (await this._actions.run(key, call)) {
      await this.refresh();
    }
  }

  private async _decide(
    key: string,
    call: () => Promise<void>
  ): Promise<boolean> {
    const done = await this._actions.run(key, call);
    // Also after a failure: the run may have been decided elsewhere.
    this._versionsChanged.emit();
    await this.refresh();
    return done;
  }

  private async _fetch(): Promise<void> {
    const lists = this._fetchTab();
    try {
      this._summary = await this.client.summary();
      this._summaryError = null;
    } catch (reason) {
      this._summaryError = toApiError(reason);
      // The poll waits longer after each failure.
      throw reason;
    } finally {
      await lists;
      this._changed.emit();
      this._polling.active = Boolean(this._summary?.runs_active);
    }
  }

  private async _fetchTab(): Promise<void> {
    if (this._watched) {
      await this._lists.refresh(this._tab);
    }
  }

  private _onEvent(_sender: Event.IManager, emission: Event.Emission): void {
    const event = parseRunEvent(emission);
    if (event === null) {
      return;
    }
    this._lists.follow(event);
    this._runChanged.emit(event);
    if (isTerminal(event.state)) {
      this._versionsChanged.emit();
    }
    this._polling.hint();
  }

  private _events: Event.IManager | null;
  private _actions: Actions;
  private _lists: Lists;
  private _polling: Polling;
  private _changed = new Signal<IEtlModel, void>(this);
  private _runChanged = new Signal<IEtlModel, IRunEvent>(this);
  private _deployed = new Signal<IEtlModel, string>(this);
  private _versionsChanged = new Signal<IEtlModel, void>(this);
  private _disposed = false;
  private _summary: ISummary | null = null;
  private _summaryError: ApiError | null = null;
  private _tab: Tab = 'pipelines';
  private _watched = false;
  private _openRun: number | null = null;
}

/** A namespace for `EtlModel` statics. */
export namespace EtlModel {
  /** What an `EtlModel` is made of. */
  export interface IOptions {
    client: EtlClient;
    events?: Event.IManager;
    intervalMs?: number;
    filter?: PipelineFilter;
    graceMs?: number;
    /** Whether to begin to poll at once. */
    auto?: boolean;
  }
}
