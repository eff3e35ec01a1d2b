/**
 * The values of the REST API, as the server writes them.
 *
 * Instants are ISO 8601 text in UTC; durations are seconds.
 */

import type { IHold } from './outputTypes';

export * from './outputTypes';

/** Any JSON value. */
export type Json =
  null | boolean | number | string | Json[] | { [key: string]: Json };

export type RunState =
  | 'queued'
  | 'dispatched'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'held'
  | 'skipped';

export type Outcome =
  'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'held' | 'lost';

/** The most severe first. */
export type Health =
  | 'auto_paused'
  | 'failing'
  | 'held'
  | 'backfill_failed'
  | 'late'
  | 'running'
  | 'paused'
  | 'never'
  | 'ok';

/** What holds a run. */
export type HeldBy = 'check' | 'gate';

export type PublicationKind = 'table' | 'file' | 'report' | 'api';

export type ParameterType =
  | 'str'
  | 'int'
  | 'float'
  | 'bool'
  | 'date'
  | 'datetime'
  | 'time'
  | 'timedelta'
  | 'decimal'
  | 'path'
  | 'uuid'
  | 'list'
  | 'dict'
  | 'any';

export type Catchup = 'latest' | 'all' | 'none';

export type Overlap = 'skip' | 'queue' | 'cancel-previous';

export type OnLost = 'retry' | 'fail';

export type PipelineFilter = 'all' | 'mine' | 'failing';

export interface IPage<T> {
  items: T[];
  total: number;
}

export interface ISchedulerInfo {
  id: string;
  host: string;
  pid: number;
  workers: number;
  seen_at: string;
  /** Why it plans or starts nothing now; empty where it does. */
  note: string;
  /** Whose pipelines it runs; empty for everybody's. */
  owners?: string[];
}

export interface ISummary {
  owner: string;
  sources: number;
  pipelines: number;
  /** Pipelines that need a person. */
  attention: number;
  /** Pipelines that the platform paused after failures, and why. */
  auto_paused: { name: string; note: string }[];
  /** Pipelines; those in `auto_paused` are counted. */
  failing: number;
  backfill_failed: number;
  late: number;
  /** Runs that wait for a decision of a person. */
  held: number;
  /** Publications that are older than promised. */
  stale: number;
  silent_sources: number;
  /** Which disk of this machine is too full to start runs; empty for none. */
  full_disk: string;
  /** Whether nothing needs a person. */
  well: boolean;
  /** All that are on record. */
  runs: number;
  /** Queued ones are counted. */
  runs_active: number;
  runs_running: number;
  publications: number;
  schedulers: ISchedulerInfo[];
  version: string;
}

export interface IColumn {
  name: string;
  type: string;
  nullable?: boolean;
}

export interface IFreshness {
  warn_s: number | null;
  error_s: number | null;
}

export interface ISecretUse {
  name: string;
  owner: string;
  /** Servers that it may be sent to. */
  allowed: string[];
}

export interface ISource {
  name: string;
  kind: string;
  location: string;
  declared: string;
  secrets: string[];
  readonly: boolean;
  options: Record<string, string>;
  freshness: IFreshness | null;
  /** Most runs that read it at once; null for the default of its kind. */
  limit?: number | null;
  owner: string;
  notebook: string;
  declared_at: string | null;
  /** In a list: when a run tries it again; null while it answers. */
  next_try_at?: string | null;
  /** In a list: whose the secrets are and where they may go. */
  secret_uses?: ISecretUse[];
}

export interface ITableInfo {
  name: string;
  columns: IColumn[];
  rows: number | null;
  /** Skipped files, and the reasons for the types of columns. */
  notes: string[];
}

export interface ISourceDetails {
  source: ISource;
  tables: ITableInfo[];
}

export interface IPreview {
  columns: IColumn[];
  rows: Json[][];
  total_rows: number | null;
}

export interface ISchedule {
  kind: 'cron' | 'interval' | 'once' | 'after';
  text: string;
  timezone: string;
  cron: string | null;
  every_s: number | null;
  at: string | null;
  after: string[];
  after_all: boolean;
}

export interface IPolicy {
  retries: number;
  /** Seconds; null where nobody gave a limit. */
  timeout_s: number | null;
  catchup: Catchup;
  overlap: Overlap;
  on_lost: OnLost;
  priority: number;
  parallel: number;
  memory_bytes: number | null;
  checkpoint: boolean;
  warm: boolean;
  /** Whether it may publish a name that another pipeline publishes, too. */
  shared: boolean;
}

export interface ILastRun {
  id: number;
  state: RunState;
  outcome: Outcome | null;
  seconds: number | null;
  due_at: string;
}

export interface IPipeline {
  name: string;
  notebook: string;
  content_hash: string;
  owner: string;
  version: number;
  schedule: ISchedule | null;
  parameters: Record<string, Json>;
  policy: IPolicy;
  paused: boolean;
  /** Why the platform paused it; empty where a person did. */
  pause_note: string;
  next_due: string | null;
  revision: number;
  created_at: string | null;
  updated_at: string | null;
}

export interface IPipelineView extends IPipeline {
  words: string;
  /** At most 14, the oldest first. */
  last_runs: ILastRun[];
  health: Health;
  /** Why; empty where there is nothing to add. */
  health_note: string;
  /** The run that `health_note` is about. */
  health_run: number | null;
  /** 0 where nobody has to act; higher is more urgent. */
  severity: number;
  paused_by: 'person' | 'platform' | null;
  running: boolean;
  last_success_at: string | null;
  /** Relative to the server's root; null where the notebook lies outside. */
  notebook_path: string | null;
  /** Why its runs start cold; empty where they are warm. */
  cold_start: string;
  /** How long the next run may take, and where that is from. */
  time_limit: { seconds: number; why: string };
  /** The file is gone; runs execute the deployed version. */
  missing: boolean;
}

export interface IPublishedRef {
  name: string;
  version: number;
  rows: number | null;
  draft: boolean;
}

export interface IVerdict {
  kind: 'notebook' | 'data' | 'source' | 'platform' | 'unknown';
  evidence: string;
  retryable: boolean;
}

export interface IRunView {
  id: number;
  pipeline: string;
  version: number | null;
  state: RunState;
  outcome: Outcome | null;
  cause: 'schedule' | 'upstream' | 'backfill' | 'manual';
  logical_key: string;
  due_at: string;
  started_at: string | null;
  finished_at: string | null;
  /** At work, without the time in which it waited. */
  seconds: number | null;
  /** While it runs, the present minus `seconds`. */
  working_since: string | null;
  cell: number | null;
  cells: number | null;
  error: string;
  failed_cell: number | null;
  verdict: IVerdict | null;
  owner: string;
  draft: boolean;
  attempts: number;
  published: IPublishedRef[];
  /** What holds it; empty unless its state is held. */
  held_by: HeldBy[];
  has_notebook: boolean;
  /** A cell failed, and its variables were to be kept. */
  resumable: boolean;
}

export interface IRetriedRun extends IRunView {
  resumes_at: number | null;
  why_not: string;
  /** The version as which the saved notebook was deployed for it, if it was. */
  deployed: number | null;
  /** Why the deployed version runs, and not the saved notebook. */
  note: string;
  /** All of it in sentences. */
  words: string;
}

export interface ICheckResult {
  rule: {
    text: string;
    kind: string;
    severity: 'warn' | 'error';
    column: string | null;
    argument: string;
  };
  status: 'pass' | 'warn' | 'error';
  dataset: string;
  failed_rows: number | null;
  total_rows: number;
  message: string;
  /** Up to twenty rows that break it, as text per column. */
  sample: Record<string, string>[];
}

export interface IRead {
  source: string;
  table: string;
  version: string;
  rows: number | null;
  bytes: number | null;
  note: string;
  seconds: number | null;
}

export interface IAttempt {
  run_id: number;
  number: number;
  started_at: string | null;
  finished_at: string | null;
  outcome: Outcome | null;
  error: string;
}

export interface IRunDetails extends IRunView {
  checks: ICheckResult[];
  reads: IRead[];
  parameters: Record<string, Json>;
  attempts_list: IAttempt[];
  log_tail: string;
  /** Why it was skipped, or who decided about it; else "". */
  note: string;
  /** What of it waits for a decision. */
  hold: IHold | null;
}

export interface IParameter {
  name: string;
  type: ParameterType;
  default: string | null;
  origin: string;
  help: string;
}

/** What a run can be given. */
export interface IPipelineParameters {
  version: number;
  declared: IParameter[];
  /** What it was deployed with, instead of the defaults. */
  values: Record<string, Json>;
}

/** How one run differs from those of the schedule. */
export interface ITriggerRequest {
  parameters: Record<string, Json>;
  draft: boolean;
}

export interface IFinding {
  severity: 'info' | 'warning' | 'error';
  cell: number | null;
  message: string;
  hint: string;
  /** What it is about: "kernel", "file", "import" ... */
  kind: string;
  /** The cells that could not be checked, or not in full. */
  unchecked: number[];
}

/** A local file that a version pins beside its notebook. */
export interface IBundleFile {
  path: string;
  content_hash: string;
  bytes: number;
  role: 'module' | 'script' | 'data';
  executable: boolean;
}

export interface IFileChange {
  path: string;
  change: 'added' | 'changed' | 'removed';
}

export interface INotebookInfo {
  parameters: IParameter[];
  findings: IFinding[];
  kernel: string | null;
  pipeline: IPipelineView | null;
  changed: boolean;
  /** What a deployment would pin. */
  files: IBundleFile[];
  /** The patterns that are deployed. */
  include: string[];
}

export interface ISchedulePreview {
  words: string;
  next: { utc: string; local: string }[];
  note: string;
  cron: string | null;
}

export interface IDeployRequest {
  notebook: string;
  when: string;
  timezone: string;
  name: string | null;
  parameters: Record<string, Json>;
  retries: number | null;
  timeout_s: number | null;
  catchup: Catchup | null;
  overlap: Overlap | null;
  on_lost: OnLost | null;
  priority: number | null;
  memory_bytes: number | null;
  checkpoint: boolean;
  cold: boolean;
  owner: string | null;
  after: string[];
  after_all: boolean;
  /** Take the schedule away. */
  on_demand: boolean;
  /** What goes back to its default; everything else that is not given is kept. */
  reset: string[];
  /** Whether it may publish what another pipeline publishes. */
  shared: boolean;
  include: string[];
  /** Deploy it though preflight finds errors. */
  anyway?: boolean;
}

export interface IDeployment {
  pipeline: IPipeline;
  change: 'new' | 'changed' | 'unchanged';
  /** What differs from the version before, one phrase each. */
  changes: string[];
  words: string;
  next: string[];
  note: string;
  findings: IFinding[];
  files: IBundleFile[];
  file_changes: IFileChange[];
}

/** What the server says while a run goes on. */
export interface IRunEvent {
  run: number;
  pipeline: string;
  state: RunState;
  outcome: Outcome | null;
  cell: number | null;
  cells: number | null;
  at: string;
}
