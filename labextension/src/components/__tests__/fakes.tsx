import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import * as React from 'react';
import { createRoot, type Root } from 'react-dom/client';

import { ApiError, type IPage } from '../../api';
import type { IEtlContext, IOpener, IQuestion } from '../shared/context';
import { EtlProvider } from '../shared/context';
import { NowProvider } from '../shared/clock';
import { EtlModel } from '../../model';
import { difference, pipeline, run } from './values';

const { act } = React;

(globalThis as any).IS_REACT_ACT_ENVIRONMENT = true;

export const trans = nullTranslator.load('test');

/** A client that answers from memory and remembers what it was asked to do. */
export class FakeClient {
  calls: string[] = [];
  lists: Record<string, any[]> = {
    sources: [],
    pipelines: [],
    runs: [],
    publications: [],
    holds: []
  };
  summaryValue: any = {
    owner: 'sam',
    sources: 0,
    pipelines: 0,
    attention: 0,
    auto_paused: [],
    failing: 0,
    backfill_failed: 0,
    late: 0,
    held: 0,
    stale: 0,
    silent_sources: 0,
    full_disk: '',
    well: true,
    runs: 0,
    runs_active: 0,
    runs_running: 0,
    publications: 0,
    schedulers: [{ id: 'a' }],
    version: '1'
  };
  notebookInfo: any = {
    parameters: [],
    findings: [],
    kernel: 'python3',
    pipeline: null,
    changed: false,
    files: [],
    include: []
  };
  fail: Record<string, ApiError> = {};

  private answer<T>(name: string, value: T): Promise<T> {
    this.calls.push(name);
    const word = name.split(' ')[0];
    return this.fail[word]
      ? Promise.reject(this.fail[word])
      : Promise.resolve(value);
  }
  private page(name: string, query: any = {}): Promise<IPage<any>> {
    const all = this.lists[name];
    const { offset = 0, limit = 50 } = query;
    return this.answer(name + ' ' + JSON.stringify(query), {
      items: all.slice(offset, offset + limit).map(item => ({ ...item })),
      total: all.length
    });
  }
  summary = () => this.answer('summary', this.summaryValue);
  sources = () => this.page('sources');
  pipelines = (query: any) =>
    query.filter === 'failing'
      ? Promise.resolve({ items: [], total: 0 })
      : this.page('pipelines', query);
  runs = (query: any) => this.page('runs', query);
  publications = (_: string) => this.page('publications');
  publicationDetails: any = null;
  publication = (name: string) =>
    this.answer(`publication ${name}`, this.publicationDetails);
  previewPublication = (name: string, which: any = {}) =>
    this.answer(`rows of ${name}${which.held ? ` #${which.held}` : ''}`, {
      columns: [],
      rows: [],
      total_rows: 0,
      line: which.held
        ? `jupyter etl held ${which.held}`
        : `etl.read("${name}")`
    });
  contentUrl = (name: string, version?: number) =>
    `http://lab/${name}/content${version ? `?version=${version}` : ''}`;
  diff = (name: string, between: any) =>
    this.answer(`diff ${name} ${between.before} ${between.after}`, {
      name,
      ...between,
      difference: difference(),
      rows: null
    });
  promote = (name: string, version: number) =>
    this.answer(`promote ${name} ${version}`, undefined);
  rollback = (name: string, to: number) =>
    this.answer(`rollback ${name} ${to}`, undefined);
  holds = () => this.page('holds');
  approve = (id: number) => this.answer(`approve ${id}`, undefined);
  reject = (id: number) => this.answer(`reject ${id}`, undefined);
  marks: any[] = [];
  watermarks = (name: string) => this.answer(`watermarks ${name}`, this.marks);
  resetWatermark = (mark: any) =>
    this.answer(`reset ${mark.table} ${mark.since}`, undefined);
  declared: any = { version: 3, declared: [], values: {} };
  parameters = (name: string) =>
    this.answer(`parameters ${name}`, this.declared);
  trigger = (name: string, request: any) => {
    this.requests.push(request);
    return this.answer(`trigger ${name}`, run({ pipeline: name }));
  };
  triggerLines = (name: string, request: any) =>
    this.answer(`lines ${name}`, {
      magic: `%etl trigger ${JSON.stringify(request)}`,
      shell: `jupyter etl trigger ${name} ${JSON.stringify(request)}`
    });
  scheduleLines = (request: any) =>
    this.answer(`lines ${request.notebook}`, {
      magic: `%etl schedule ${JSON.stringify(request)}`,
      shell: ''
    });
  pause = (name: string) => this.answer(`pause ${name}`, undefined);
  resume = (name: string) => this.answer(`resume ${name}`, undefined);
  unschedule = (name: string) => this.answer(`unschedule ${name}`, undefined);
  cancel = (id: number) => this.answer(`cancel ${id}`, undefined);
  retry = (id: number, fromFailedCell = false) =>
    this.answer(`retry ${id}${fromFailedCell ? ' from the failed cell' : ''}`, {
      words: this.retryWords
    });
  retryWords = '';
  run = (id: number) =>
    this.answer(`run ${id}`, {
      ...this.lists.runs.find(run => run.id === id),
      checks: [],
      note: '',
      hold: this.lists.holds.find(hold => hold.run === id) ?? null,
      reads: [],
      parameters: {},
      attempts_list: [],
      log_tail: 'the end'
    });
  logText = '';
  runLog = (id: number) => this.answer(`log ${id}`, this.logText);
  startScheduler = () => this.answer('startScheduler', undefined);
  runNotebook = (id: number) =>
    this.answer(`notebook ${id}`, { cells: [], nbformat: 4 });
  requests: any[] = [];
  notebook = (path: string) => this.answer(`info ${path}`, this.notebookInfo);
  deploy = (request: any) => {
    this.requests.push(request);
    return this.answer(`deploy ${request.notebook}`, {
      pipeline: pipeline(),
      change: 'new',
      words: '',
      next: [],
      note: '',
      findings: []
    });
  };
  previewSchedule = (query: any) =>
    this.answer(`preview ${query.when}`, {
      words: `in words: ${query.when}`,
      next: [
        {
          utc: '2026-02-09T05:00:00Z',
          local: '2026-02-09T06:00:00+01:00'
        }
      ],
      note: '',
      cron: '0 6 * * 1-5',
      preset: this.preset
    });
  preset: any = null;
}

/** Remembers what it was asked to open. */
export class FakeOpener implements IOpener {
  calls: any[] = [];
  private record =
    (name: string) =>
    (...args: any[]): void => {
      this.calls.push([name, ...args]);
    };
  openNotebook = this.record('openNotebook');
  relink = this.record('relink');
  runNow = this.record('runNow');
  schedule = this.record('schedule');
  openRun = this.record('openRun');
  openLog = this.record('openLog');
  preview = this.record('preview');
  openReport = this.record('openReport');
  download = this.record('download');
  openPublication = this.record('openPublication');
  /** What a person answers. */
  sure = true;
  confirm = (question: IQuestion): Promise<boolean> => {
    this.calls.push(['confirm', question.title, question.body]);
    return Promise.resolve(this.sure);
  };
  insertCell = this.record('insertCell');
  copy = this.record('copy');
  openTerminal = this.record('openTerminal');
}

export interface IWorld extends IEtlContext {
  client: FakeClient;
  opener: FakeOpener;
  emit: (event: any) => void;
}

export function world(options: { graceMs?: number } = {}): IWorld {
  const client = new FakeClient();
  const events: any = {};
  const stream = new Signal<any, any>(events);
  events.stream = stream;
  const model = new EtlModel({
    client: client as any,
    events,
    auto: false,
    graceMs: options.graceMs
  });
  return {
    client,
    model,
    trans,
    opener: new FakeOpener(),
    emit: event => stream.emit(event)
  };
}

let root: Root | null = null;

/** Draw a component and return its node. */
export async function draw(
  context: IEtlContext,
  element: JSX.Element
): Promise<HTMLElement> {
  const node = document.createElement('div');
  document.body.appendChild(node);
  root = createRoot(node);
  await act(async () => {
    root!.render(
      <EtlProvider value={context}>
        <NowProvider>{element}</NowProvider>
      </EtlProvider>
    );
  });
  return node;
}

export async function erase(): Promise<void> {
  await act(async () => root?.unmount());
  root = null;
  document.body.innerHTML = '';
}

/** Let promises and effects settle, while the clock stands still. */
export async function settle(change?: () => unknown): Promise<void> {
  await act(async () => {
    const done = change?.();
    // What was begun may itself wait for a timer of no length, as each poll does.
    await jest.advanceTimersByTimeAsync(0);
    await done;
  });
}

/** Let this many milliseconds of the tests' clock go by, and what they start settle. */
export async function pass(ms: number): Promise<void> {
  await act(async () => {
    await jest.advanceTimersByTimeAsync(ms);
  });
}

export function button(node: Element, label: string): HTMLButtonElement {
  const found = [...node.querySelectorAll('button')].find(
    item =>
      item.getAttribute('aria-label') === label || item.textContent === label
  );
  if (!found) {
    throw new Error(`There is no button ${label} in ${node.innerHTML}`);
  }
  return found as HTMLButtonElement;
}
