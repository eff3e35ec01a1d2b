import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type {
  ApiError,
  EtlClient,
  IDeployment,
  IDeployRequest,
  IHold,
  IPipelineView,
  IPublicationView,
  IRunEvent,
  IRunView,
  ISource,
  ISummary,
  ITriggerRequest,
  IWatermark,
  PipelineFilter
} from './api';

/** The tabs of the panel, in their order. */
export const TABS = ['sources', 'pipelines', 'runs', 'published'] as const;

export type Tab = (typeof TABS)[number];

/** A list that is fetched a page at a time. */
export interface IPagedList<T> {
  readonly items: readonly T[];
  /** How many there are on the server; null before the first answer. */
  readonly total: number | null;
  readonly loading: boolean;
  readonly error: ApiError | null;
  /** Fetch again what is shown. */
  refresh(): Promise<void>;
  /** Fetch the next page. */
  more(): Promise<void>;
}

/** What the pipelines' list shows. */
export interface IPipelineQuery {
  filter: PipelineFilter;
  search: string;
}

/** What the runs' list shows; empty text for all. */
export interface IRunQuery {
  pipeline: string;
  state: string;
}

/** The state of the panel, and its actions. */
export interface IEtlModel extends IDisposable {
  readonly client: EtlClient;
  /** Something that is shown has changed. */
  readonly changed: ISignal<IEtlModel, void>;
  /** A run went on or ended. */
  readonly runChanged: ISignal<IEtlModel, IRunEvent>;

  /** A notebook may have been deployed; its contents path, or empty where it is not known. */
  readonly deployed: ISignal<IEtlModel, string>;

  /** A publication has, or may have, another version. */
  readonly versionsChanged: ISignal<IEtlModel, void>;

  readonly summary: ISummary | null;
  readonly summaryError: ApiError | null;
  readonly sources: IPagedList<ISource>;
  /** Pipelines that need attention; only filled while all are shown. */
  readonly attention: IPagedList<IPipelineView>;
  readonly pipelines: IPagedList<IPipelineView>;
  readonly runs: IPagedList<IRunView>;
  readonly published: IPagedList<IPublicationView>;
  /** Runs pending approval; refreshed with runs and publications. */
  readonly holds: IPagedList<IHold>;

  /** The tab in front; setting it fetches its list. */
  tab: Tab;
  /** Whether the panel is visible; its lists are refreshed only then. */
  watched: boolean;
  readonly pipelineQuery: IPipelineQuery;
  readonly runQuery: IRunQuery;
  readonly search: string;
  /** The run whose details are open, if any. */
  openRun: number | null;

  filterPipelines(query: Partial<IPipelineQuery>): void;
  filterRuns(query: Partial<IRunQuery>): void;
  filterPublished(search: string): void;

  /** Fetch the summary and the list in front. */
  refresh(): Promise<void>;
  /** Start a scheduler, and wait for its first heartbeat. */
  startScheduler(): Promise<void>;
  /** A cell that may have declared, published or deployed something was executed. */
  noteExecuted(): void;
  deploy(request: IDeployRequest): Promise<IDeployment>;
  /** Start one run; rejects with the error of the server. */
  trigger(pipeline: string, request: ITriggerRequest): Promise<IRunView>;
  pause(pipeline: string): Promise<void>;
  resume(pipeline: string): Promise<void>;
  /** Set the notebook of a pipeline; resolves to whether it was done. */
  relink(pipeline: string, notebook?: string): Promise<boolean>;
  /** Unschedule after a grace period in which `undoUnschedule` cancels it. */
  unschedule(pipeline: string): void;
  undoUnschedule(pipeline: string): void;
  cancel(run: number): Promise<void>;
  /** Retry a run; from the failed cell, where that is possible. */
  retry(run: number, fromFailedCell?: boolean): Promise<void>;

  /** Publish the staged outputs of a held run; resolves to whether it was done. */
  approve(run: number): Promise<boolean>;
  /** Discard the staged outputs of a held run. */
  reject(run: number): Promise<boolean>;
  /** Make a version of an endpoint live. */
  promote(endpoint: string, version: number): Promise<boolean>;
  /** Make an old version the newest. */
  rollback(publication: string, to: number): Promise<boolean>;
  /** Start the next load at the first row. */
  resetWatermark(mark: IWatermark): Promise<boolean>;

  /** The error of the last action on `key` (`pipeline:NAME`, `run:ID`, `publication:NAME`). */
  problem(key: string): ApiError | null;
  /** The result of the last action on `key`, where there is one to show; else empty. */
  notice(key: string): string;
  dismiss(key: string): void;
  /** Whether an action on `key` is running. */
  busy(key: string): boolean;
  /** Instant (ms) at which a pipeline will be unscheduled; null if it will not. */
  unscheduleAt(pipeline: string): number | null;
}

export const IEtlModel = new Token<IEtlModel>(
  'jupyterlab-etl:IEtlModel',
  'The state of sources, pipelines, runs and publications, and the actions on them.'
);
