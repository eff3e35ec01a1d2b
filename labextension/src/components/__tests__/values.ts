/** Answers of the server: each as it is when nothing is wrong, with the given fields changed. */

export function pipeline(change: any = {}): any {
  return {
    name: 'daily',
    notebook: '/home/sam/daily.ipynb',
    notebook_path: 'daily.ipynb',
    missing: false,
    content_hash: '',
    owner: 'sam',
    version: 3,
    schedule: {
      kind: 'cron',
      text: 'daily at 06:00',
      timezone: 'UTC',
      cron: '0 6 * * *',
      every_s: null,
      at: null,
      after: [],
      after_all: false
    },
    parameters: {},
    policy: {
      retries: 3,
      timeout_s: null,
      catchup: 'latest',
      overlap: 'skip',
      on_lost: 'retry',
      priority: 0,
      parallel: 1,
      memory_bytes: null,
      checkpoint: false,
      shared: false,
      warm: true
    },
    paused: false,
    pause_note: '',
    next_due: '2999-01-01T06:00:00Z',
    revision: 1,
    created_at: null,
    updated_at: null,
    words: 'every day at 06:00, UTC',
    last_runs: [],
    health: 'ok',
    cold_start: '',
    time_limit: { seconds: 3600, why: 'the default' },
    timeout: '',
    preset: { kind: 'daily', time: '06:00', weekday: '', day: null },
    lines: {
      trigger: 'jupyter etl trigger daily',
      pause: 'jupyter etl pause daily',
      resume: 'jupyter etl resume daily',
      relink: 'jupyter etl relink daily',
      unschedule: 'jupyter etl unschedule daily',
      runs: 'jupyter etl runs --pipeline daily',
      schedule: '%etl schedule "daily at 06:00" --tz UTC'
    },
    health_note: '',
    health_run: null,
    severity: 0,
    paused_by: null,
    running: false,
    last_success_at: null,
    ...change
  };
}

export function run(change: any = {}): any {
  return {
    id: 42,
    pipeline: 'daily',
    version: 3,
    state: 'running',
    outcome: null,
    cause: 'schedule',
    logical_key: '2026-02-09T06:00:00Z',
    due_at: '2026-02-09T06:00:00Z',
    started_at: '2026-02-09T06:00:01Z',
    finished_at: null,
    seconds: null,
    working_since: '2026-02-09T06:00:01Z',
    cell: 3,
    cells: 12,
    error: '',
    failed_cell: null,
    verdict: null,
    owner: 'sam',
    draft: false,
    attempts: 1,
    published: [],
    held_by: [],
    has_notebook: false,
    resumable: false,
    lines: {
      log: 'jupyter etl logs 42',
      cancel: 'jupyter etl cancel 42',
      retry: 'jupyter etl retry 42',
      retry_from_failed_cell: 'jupyter etl retry 42 --from-failed-cell'
    },
    ...change
  };
}

export function difference(change: any = {}): any {
  return {
    name: 'sales.daily',
    number: 6,
    added: [{ name: 'delay', type: 'double' }],
    dropped: [{ name: 'late', type: 'bool' }],
    retyped: [{ name: 'day', before: 'date32[day]', after: 'string' }],
    rows_before: 10,
    rows_after: 3,
    replaced_rows: 10,
    new_rows: 3,
    reasons: ['it has 3 rows, and version 6 has 10'],
    ...change
  };
}
