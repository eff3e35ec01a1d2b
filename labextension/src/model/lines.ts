/** The `%etl` or command line that does the same as a button. */

import type {
  IDeployRequest,
  IParameter,
  IPublicationView,
  ITriggerRequest,
  Json,
  ParameterType
} from '../api';
import { quote, quoteShell, shellOption } from './quoting';

/** Which version of a publication is meant; the newest live one by default. */
interface IWhichVersion {
  version?: number | null;
  draft?: boolean;
}

export const lines = {
  trigger: (
    name: string,
    { parameters, draft }: ITriggerRequest = { parameters: {}, draft: false }
  ): string =>
    [
      `jupyter etl trigger ${quoteShell(name)}`,
      ...Object.entries(parameters).map(
        ([key, value]) => `-p ${quoteShell(`${key}=${spellValue(value)}`)}`
      ),
      ...(draft ? ['--draft'] : [])
    ].join(' '),
  pause: (name: string): string => `jupyter etl pause ${quoteShell(name)}`,
  resume: (name: string): string => `jupyter etl resume ${quoteShell(name)}`,
  relink: (name: string): string => `jupyter etl relink ${quoteShell(name)}`,
  unschedule: (name: string): string =>
    `jupyter etl unschedule ${quoteShell(name)}`,
  runs: (name: string): string =>
    `jupyter etl runs ${shellOption('--pipeline', name)}`,
  cancel: (id: number): string => `jupyter etl cancel ${id}`,
  retry: (id: number): string => `jupyter etl retry ${id}`,
  retryFromFailedCell: (id: number): string =>
    `jupyter etl retry ${id} --from-failed-cell`,
  log: (id: number): string => `jupyter etl logs ${id}`,
  describe: (name: string): string => `%etl describe ${quote(name)}`,
  preview: (name: string, table = ''): string =>
    `%etl preview ${quote(table ? `${name}.${table}` : name)} -n 20`,
  load: (name: string, table: string): string =>
    `%etl load ${quote(table ? `${name}.${table}` : name)}`,
  python: (name: string, { version, draft }: IWhichVersion = {}): string =>
    `etl.read(${[
      JSON.stringify(name),
      ...(version ? [`version=${version}`] : []),
      ...(draft ? ['draft=True'] : [])
    ].join(', ')})`,
  held: (run: number): string => `jupyter etl held ${run}`,
  approve: (run: number): string => `jupyter etl approve ${run}`,
  reject: (run: number): string => `jupyter etl reject ${run}`,
  rollback: (name: string, to: number): string =>
    `jupyter etl rollback ${quoteShell(name)} --to ${to}`,
  diff: (name: string, before: number, after: number): string =>
    `jupyter etl diff ${quoteShell(name)} ${before} ${after}`,
  resetWatermark: (pipeline: string, table: string, since: string): string =>
    [
      `jupyter etl watermark ${quoteShell(pipeline)}`,
      shellOption('--since', since),
      '--reset',
      ...(table.startsWith('-') ? ['--'] : []),
      quoteShell(table)
    ].join(' '),
  /** Its rows, where it has any; else where its file is. */
  read: ({
    name,
    live,
    draft
  }: Pick<IPublicationView, 'name' | 'live' | 'draft'>): string => {
    const word = quoteShell(name);
    const which = live === null ? ' --draft' : '';
    if ((live ?? draft)?.what.columns.length) {
      return `jupyter etl read ${word}${which}`;
    }
    return live === null
      ? `jupyter etl history ${word} --draft`
      : `jupyter etl published ${word}`;
  },
  history: (name: string): string => `%etl history ${quote(name)}`,
  status: '%etl status',
  up: 'jupyter etl up'
};

/** Seconds -> "1h30m", the way `--timeout` is written. */
export function spellDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const parts: string[] = [];
  let rest = whole;
  for (const [size, name] of [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's']
  ] as const) {
    const count = Math.floor(rest / size);
    if (count) {
      parts.push(`${count}${name}`);
      rest -= count * size;
    }
  }
  return parts.join('') || '0s';
}

/** "1h30m", "90s", "1.5h" or a bare number of seconds -> seconds; null if it is none. */
export function readDuration(text: string): number | null {
  const sizes: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
  const trimmed = text.trim().toLowerCase().replace(/\s+/g, '');
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    return Number(trimmed);
  }
  if (!/^(\d+(\.\d+)?[smhd])+$/.test(trimmed)) {
    return null;
  }
  let seconds = 0;
  for (const [, count, name] of trimmed.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)) {
    seconds += Number(count) * sizes[name];
  }
  return seconds;
}

/** The `%etl schedule` line that deploys the same. */
export function scheduleLine(request: IDeployRequest): string {
  const words = ['%etl schedule'];
  if (request.when) {
    words.push(quote(request.when));
  }
  if (request.after.length) {
    words.push('--after', quote(request.after.join(',')));
  }
  if (request.after_all) {
    words.push('--after-all');
  }
  if (request.timezone && request.when) {
    words.push('--tz', quote(request.timezone));
  }
  if (request.name) {
    words.push('--name', quote(request.name));
  }
  for (const [key, value] of Object.entries(request.parameters)) {
    words.push('-p', quote(`${key}=${spellValue(value)}`));
  }
  if (request.retries !== null) {
    words.push('--retries', String(request.retries));
  }
  if (request.timeout_s !== null) {
    words.push('--timeout', spellDuration(request.timeout_s));
  }
  if (request.catchup !== null) {
    words.push('--catchup', request.catchup);
  }
  if (request.overlap !== null) {
    words.push('--overlap', request.overlap);
  }
  if (request.on_lost === 'fail') {
    words.push('--on-lost', request.on_lost);
  }
  if (request.priority) {
    words.push('--priority', String(request.priority));
  }
  if (request.memory_bytes !== null) {
    words.push('--memory', String(request.memory_bytes));
  }
  if (request.checkpoint) {
    words.push('--checkpoint');
  }
  if (request.cold) {
    words.push('--cold');
  }
  if (request.on_demand) {
    words.push('--on-demand');
  }
  if (request.reset.length) {
    words.push('--reset', request.reset.join(','));
  }
  if (request.shared) {
    words.push('--shared');
  }
  if (request.owner) {
    words.push('--owner', quote(request.owner));
  }
  for (const pattern of request.include) {
    words.push('--include', quote(pattern));
  }
  return words.join(' ');
}

/** A value as it is written behind `-p NAME=`. */
export function spellValue(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * What was typed for a parameter, as the JSON value to send.
 *
 * Dates and words like `yesterday` stay text: the server knows them and refuses what does not fit.
 */
export function readValue(text: string, type: ParameterType): Json {
  const trimmed = text.trim();
  if (type === 'bool' && /^(true|false)$/i.test(trimmed)) {
    return trimmed.toLowerCase() === 'true';
  }
  if ((type === 'int' || type === 'float') && trimmed !== '') {
    const number = Number(trimmed);
    // JavaScript would round a longer number: as text it arrives as it was typed.
    const exact = type === 'int' ? Number.isSafeInteger : Number.isFinite;
    return exact(number) ? number : trimmed;
  }
  if (type === 'list' || type === 'dict') {
    try {
      return JSON.parse(trimmed);
    } catch {
      return trimmed;
    }
  }
  return text;
}

/** What was typed for parameters, as the JSON values to send. */
export function readValues(
  values: Readonly<Record<string, string>>,
  declared: readonly IParameter[]
): Record<string, Json> {
  const types = new Map(declared.map(item => [item.name, item.type]));
  return Object.fromEntries(
    Object.entries(values).map(([name, text]) => [
      name,
      readValue(text, types.get(name) ?? 'any')
    ])
  );
}
