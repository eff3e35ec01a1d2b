import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { HeldBy, Health, Outcome, RunState } from '../../api';

/** The shapes: each is recognisable without its colour. */
export type Shape =
  | 'ok'
  | 'stopped'
  | 'failing'
  | 'held'
  | 'running'
  | 'waiting'
  | 'late'
  | 'paused'
  | 'none';

const PATHS: Record<Shape, JSX.Element> = {
  ok: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.8 8.2l2.2 2.2 4.3-4.6" className="jp-EtlStatus-mark" />
    </>
  ),
  failing: (
    <>
      <path
        d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"
        fill="currentColor"
      />
      <path
        d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"
        className="jp-EtlStatus-mark"
      />
    </>
  ),
  stopped: (
    <>
      <path
        d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"
        fill="currentColor"
      />
      <path d="M6.2 5.2v5.6M9.8 5.2v5.6" className="jp-EtlStatus-mark" />
    </>
  ),
  held: (
    <>
      <path d="M8 .8L15.2 8 8 15.2.8 8z" fill="currentColor" />
      <path d="M8 4.5v4.3M8 10.8v.6" className="jp-EtlStatus-mark" />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6.1" className="jp-EtlStatus-ring" />
      <path d="M8 1.9A6.1 6.1 0 0 1 14.1 8" className="jp-EtlStatus-arc" />
      <path d="M6.4 5.2v5.6L11 8z" fill="currentColor" />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.1" className="jp-EtlStatus-line" />
      <path d="M4.5 8h.1M8 8h.1M11.5 8h.1" className="jp-EtlStatus-dots" />
    </>
  ),
  late: (
    <>
      <path d="M8 1.2L15.4 14.5H.6z" fill="currentColor" />
      <path d="M8 6v4M8 12.1v.4" className="jp-EtlStatus-mark" />
    </>
  ),
  paused: (
    <>
      <circle cx="8" cy="8" r="6.2" className="jp-EtlStatus-line" />
      <path d="M6.3 5.4v5.2M9.7 5.4v5.2" className="jp-EtlStatus-line" />
    </>
  ),
  none: <circle cx="8" cy="8" r="6" className="jp-EtlStatus-dashes" />
};

/** A status as a shape in a colour, with its name. */
export function Status(props: { shape: Shape; label: string }): JSX.Element {
  return (
    <svg
      className={`jp-EtlStatus jp-mod-${props.shape}`}
      viewBox="0 0 16 16"
      role="img"
      aria-label={props.label}
    >
      <title>{props.label}</title>
      {PATHS[props.shape]}
    </svg>
  );
}

/** The shape of a pipeline's health. */
export function healthShape(health: Health): Shape {
  switch (health) {
    case 'auto_paused':
      return 'stopped';
    case 'backfill_failed':
      return 'late';
    case 'never':
      return 'none';
    default:
      return health;
  }
}

/** A pipeline's health in a word or two. */
export function healthLabel(health: Health, trans: TranslationBundle): string {
  switch (health) {
    case 'auto_paused':
      return trans.__('Paused after failures');
    case 'backfill_failed':
      return trans.__('Backfill failed');
    case 'ok':
      return trans.__('OK');
    case 'running':
      return trans.__('Running');
    case 'held':
      return trans.__('Pending approval');
    case 'failing':
      return trans.__('Failing');
    case 'late':
      return trans.__('Late');
    case 'paused':
      return trans.__('Paused');
    case 'never':
      return trans.__('Never run');
  }
}

/** The shape of a run's state. */
export function runShape(state: RunState): Shape {
  switch (state) {
    case 'succeeded':
      return 'ok';
    case 'failed':
      return 'failing';
    case 'held':
      return 'held';
    case 'running':
    case 'dispatched':
      return 'running';
    case 'queued':
      return 'waiting';
    case 'cancelled':
      return 'paused';
    case 'skipped':
      return 'none';
  }
}

/** The state of a run in a few words. */
export function runLabel(
  run: { state: RunState; outcome: Outcome | null; held_by?: HeldBy[] },
  trans: TranslationBundle
): string {
  if (run.state === 'failed' && run.outcome === 'timed_out') {
    return trans.__('Timed out');
  }
  if (run.state === 'failed' && run.outcome === 'lost') {
    return trans.__('Lost');
  }
  switch (run.state) {
    case 'succeeded':
      return trans.__('Succeeded');
    case 'failed':
      return trans.__('Failed');
    case 'held':
      return heldLabel(run.held_by ?? [], trans);
    case 'running':
      return trans.__('Running');
    case 'dispatched':
      return trans.__('Starting');
    case 'queued':
      return trans.__('Queued');
    case 'cancelled':
      return trans.__('Cancelled');
    case 'skipped':
      return trans.__('Skipped');
  }
}

/** What holds a run, in a few words. */
export function heldLabel(by: HeldBy[], trans: TranslationBundle): string {
  if (by.length > 1) {
    return trans.__('Held by a check and the publish gate');
  }
  switch (by[0]) {
    case 'check':
      return trans.__('Held by a check');
    case 'gate':
      return trans.__('Held by the publish gate');
    default:
      return trans.__('Held');
  }
}
