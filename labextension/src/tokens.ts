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

/** The state of the panel, and what can be done. */
export interface IEtlModel extends IDisposable {
  readonly client: EtlClient;
  /** Something that is shown has changed. */
  readonly changed: ISignal<IEtlModel, void>;
  /** A run went on or ended. */
  readonly runChanged: ISignal<IEtlModel, IRunEvent>;

  /** A notebook may have been deployed: tells its contents path, empty where any may be meant. */
  readonly deployed: ISignal<IEtlModel, string>;

  /** A publication has, or may have, another version. */
  readonly versionsChanged: ISignal<IEtlModel, void>;

  readonly summary: ISummary | null;
  readonly summaryError: ApiError | null;
  readonly sources: IPagedList<ISource>;
  /** Pipelines that need somebody; only filled while all are shown. */
  readonly attention: IPagedList<IPipelineView>;
  readonly pipelines: IPagedList<IPipelineView>;
  readonly runs: IPagedList<IRunView>;
  readonly published: IPagedList<IPublicationView>;
  /** What waits for a decision; kept fresh with runs and publications. */
  readonly holds: IPagedList<IHold>;

  /** The tab in front; setting it fetches its list. */
  tab: Tab;
  /** Whether the panel is seen; only then its lists are kept fresh. */
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
  /** Start a scheduler, and wait until it is seen to be alive. */
  startScheduler(): Promise<void>;
  /** A cell that may have declared, published or deployed something was executed. */
  noteExecuted(): void;
  deploy(request: IDeployRequest): Promise<IDeployment>;
  /** Start one run; raises what the server says against it. */
  trigger(pipeline: string, request: ITriggerRequest): Promise<IRunView>;
  pause(pipeline: string): Promise<void>;
  resume(pipeline: string): Promise<void>;
  /** Tell a pipeline where its notebook is; tells whether it was done. */
  relink(pipeline: string, notebook?: string): Promise<boolean>;
  /** Unschedule after a grace time in which `undoUnschedule` takes it back. */
  unschedule(pipeline: string): void;
  undoUnschedule(pipeline: string): void;
  cancel(run: number): Promise<void>;
  /** Make a run once more; from the cell that failed, where that is possible. */
  retry(run: number, fromFailedCell?: boolean): Promise<void>;

  /** Publish what a run holds back; tells whether it was done. */
  approve(run: number): Promise<boolean>;
  /** Throw away what a run holds back. */
  reject(run: number): Promise<boolean>;
  /** Make an old version the newest. */
  rollback(publication: string, to: number): Promise<boolean>;
  /** Let the next load begin at the first row. */
  resetWatermark(mark: IWatermark): Promise<boolean>;

  /** What went wrong with the last action on `key` (`pipeline:NAME`, `run:ID`, `publication:NAME`). */
  problem(key: string): ApiError | null;
  /** What the last action on `key` has done, where that needs to be said; else empty. */
  notice(key: string): string;
  dismiss(key: string): void;
  /** Whether an action on `key` waits for its answer. */
  busy(key: string): boolean;
  /** Instant (ms) at which a pipeline will be unscheduled; null if it will not. */
  leavesAt(pipeline: string): number | null;
}

export const IEtlModel = new Token<IEtlModel>(
  'jupyterlab-etl:IEtlModel',
  'The state of sources, pipelines, runs and publications, and what can be done with them.'
);
