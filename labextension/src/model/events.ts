import type { IRunEvent, RunState } from '../api';

/** Id of the schema of the progress events of runs. */
export const RUN_EVENT_SCHEMA = 'https://schema.jupyter.org/jupyter_etl/run/v1';

const TERMINAL: ReadonlySet<RunState> = new Set<RunState>([
  'succeeded',
  'failed',
  'cancelled',
  'held',
  'skipped'
]);

/** Whether a run stays in this state. */
export function isTerminal(state: RunState): boolean {
  return TERMINAL.has(state);
}

/** Read an emission of the event stream; null if it is about something else. */
export function parseRunEvent(emission: {
  schema_id: string;
  [key: string]: unknown;
}): IRunEvent | null {
  if (
    emission.schema_id !== RUN_EVENT_SCHEMA ||
    typeof emission.run !== 'number' ||
    typeof emission.state !== 'string'
  ) {
    return null;
  }
  return {
    run: emission.run,
    pipeline: String(emission.pipeline ?? ''),
    state: emission.state as RunState,
    outcome: (emission.outcome ?? null) as IRunEvent['outcome'],
    cell: typeof emission.cell === 'number' ? emission.cell : null,
    cells: typeof emission.cells === 'number' ? emission.cells : null,
    at: String(emission.at ?? '')
  };
}
