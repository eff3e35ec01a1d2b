import type {
  HeldBy,
  ICheckResult,
  IColumn,
  IFreshness,
  PublicationKind
} from './types';

/** How what is held, or a version, differs from the version before. */
export interface IDifference {
  name: string;
  /** Of the version before. */
  number: number;
  added: IColumn[];
  dropped: IColumn[];
  retyped: { name: string; before: string; after: string }[];
  rows_before: number | null;
  rows_after: number | null;
  replaced_rows: number | null;
  new_rows: number | null;
  /** Why it is held, one sentence each. */
  reasons: string[];
}

/** A run whose outputs wait for somebody's decision. */
export interface IHold {
  run: number;
  names: string[];
  owner: string;
  held_at: string;
  held_by: HeldBy[];
  /** What an approval would publish. */
  outputs: {
    name: string;
    kind: PublicationKind;
    mode: 'replace' | 'append' | 'upsert';
    /** Of a table or a file with rows. */
    rows: number | null;
  }[];
  /** The rules of severity error that failed. */
  checks: ICheckResult[];
  differences: IDifference[];
}

export interface IRowChange {
  kind: string;
  key: Record<string, string | null>;
  values: Record<string, [string | null, string | null]>;
}

export interface IVersionDifference {
  name: string;
  before: number;
  after: number;
  difference: IDifference;
  /** Row by row; null where no key tells rows apart. */
  rows: {
    key: string[];
    added: number;
    removed: number;
    changed: number;
    sample: IRowChange[];
  } | null;
}

/** How far an incremental load has come. */
export interface IWatermark {
  pipeline: string;
  /** Of the source, or a publication. */
  table: string;
  /** The cursor column. */
  since: string;
  value: string | null;
  kind: string | null;
  run: number | null;
  by: string;
  at: string;
}

export interface ICommitted {
  kind: PublicationKind;
  /** Of the table's folder or the file. */
  location: string;
  /** SHA-256 of a file or report; "" for a table. */
  content_hash: string;
  rows: number | null;
  bytes: number;
  columns: IColumn[];
  mode: 'replace' | 'append' | 'upsert';
  title: string;
}

export interface IPublicationVersion {
  name: string;
  number: number;
  draft: boolean;
  what: ICommitted;
  owner: string;
  pipeline: string;
  run_id: number | null;
  notebook: string;
  published_at: string;
  /** When its content was deleted to make room. */
  pruned_at: string | null;
  /** How it came to be, where a person decided. */
  note: string;
}

export interface IPublicationView {
  name: string;
  kind: PublicationKind;
  owner: string;
  pipeline: string;
  live: IPublicationVersion | null;
  draft: IPublicationVersion | null;
  freshness: IFreshness | null;
  created_at: string;
  age_s: number | null;
  fresh: 'ok' | 'warn' | 'error' | 'none';
}

export interface IPublicationDetails extends IPublicationView {
  history: IPublicationVersion[];
  /** How other engines read the newest version. */
  ways_in: { engine: string; code: string }[];
}
