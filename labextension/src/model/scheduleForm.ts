/** The fields of the schedule dialog, and the request they make; all pure. */

import type {
  Catchup,
  IDeployRequest,
  INotebookInfo,
  IPreset,
  Overlap
} from '../api';
import { formatValue } from './format';
import {
  choiceOf,
  DEFAULT_CHOICE,
  wordsOf,
  type IPresetChoice
} from './presets';

/** What the fields hold; numbers and durations as typed. */
export interface IScheduleForm {
  mode: 'times' | 'after' | 'demand';
  choice: IPresetChoice;
  /** The words or the cron expression that is sent. */
  when: string;
  timezone: string;
  after: readonly string[];
  afterAll: boolean;
  name: string;
  owner: string;
  /** "team=ops, cost=7". */
  tags: string;
  retries: string;
  timeout: string;
  catchup: Catchup;
  overlap: Overlap;
  /** Whether it may publish what another pipeline publishes. */
  shared: boolean;
  /** Patterns of files that the version pins, separated by spaces. */
  include: string;
  /** Values that differ from the notebook's defaults. */
  values: Readonly<Record<string, string>>;
}

/** A required field that is empty. */
export type MissingField = 'when' | 'after' | 'name';

/** The fields for a notebook: as deployed, or the defaults. */
export function formFor(info: INotebookInfo, path: string): IScheduleForm {
  const { pipeline } = info;
  const schedule = pipeline?.schedule ?? null;
  const declared = new Set(info.parameters.map(item => item.name));
  const timed = schedule !== null && schedule.kind !== 'after';
  return {
    mode:
      pipeline && !schedule ? 'demand' : schedule && !timed ? 'after' : 'times',
    choice: timed ? choiceOf(pipeline?.preset ?? null) : DEFAULT_CHOICE,
    when: timed ? schedule.text : wordsOf(DEFAULT_CHOICE),
    timezone: timed
      ? schedule.timezone
      : Intl.DateTimeFormat().resolvedOptions().timeZone,
    after: schedule?.after ?? [],
    afterAll: schedule?.after_all ?? false,
    name: pipeline?.name ?? stemOf(path),
    owner: pipeline?.owner ?? '',
    tags: Object.entries(pipeline?.policy.tags ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(', '),
    retries: String(pipeline?.policy.retries ?? 3),
    timeout: pipeline?.timeout ?? '',
    catchup: pipeline?.policy.catchup ?? 'latest',
    overlap: pipeline?.policy.overlap ?? 'skip',
    shared: pipeline?.policy.shared ?? false,
    include: info.include.join(' '),
    values: Object.fromEntries(
      Object.entries(pipeline?.parameters ?? {})
        .filter(([key]) => declared.has(key))
        .map(([key, value]) => [key, formatValue(value)])
    )
  };
}

/** "a/b/daily.ipynb" -> "daily". */
export function stemOf(path: string): string {
  const name = path.split('/').pop() ?? path;
  return name.replace(/\.ipynb$/, '');
}

/** Change the preset; the words follow. */
export function choosePreset(
  form: IScheduleForm,
  change: Partial<IPresetChoice>
): IScheduleForm {
  const choice = { ...form.choice, ...change };
  return { ...form, choice, when: wordsOf(choice) || form.when };
}

/** Change the words; the preset is known once the server has read them. */
export function writeWhen(form: IScheduleForm, when: string): IScheduleForm {
  return { ...form, when, choice: choiceOf(null, form.choice) };
}

/** Show the preset that the server has read in the words. */
export function readPreset(
  form: IScheduleForm,
  preset: IPreset | null
): IScheduleForm {
  return { ...form, choice: choiceOf(preset, form.choice) };
}

/** The required fields that are empty. */
export function missingFields(form: IScheduleForm): MissingField[] {
  const missing: MissingField[] = [];
  if (form.mode === 'times' && !form.when.trim()) {
    missing.push('when');
  }
  if (form.mode === 'after' && !form.after.length) {
    missing.push('after');
  }
  if (!form.name.trim()) {
    missing.push('name');
  }
  return missing;
}

/** The request that deploys what the fields hold. */
export function requestOf(
  form: IScheduleForm,
  path: string,
  info: INotebookInfo
): IDeployRequest {
  const after = form.mode === 'after';
  const name = form.name.trim();
  const { pipeline } = info;
  const retries = form.retries.trim();
  return {
    notebook: path,
    when: form.mode === 'times' ? form.when.trim() : '',
    timezone: form.timezone,
    name: name || null,
    parameters: { ...form.values },
    retries: retries ? Number(retries) : null,
    timeout: form.timeout.trim() || null,
    catchup: form.catchup,
    overlap: form.overlap,
    ...(pipeline && pipeline.name !== name ? withoutFields(pipeline) : {}),
    owner: form.owner.trim() || null,
    tags: tagsOf(form),
    after: after ? [...form.after] : [],
    after_all: after && form.afterAll,
    on_demand: form.mode === 'demand',
    reset: pipeline?.name === name ? resetsOf(form, pipeline) : [],
    shared: form.shared,
    include: patternsOf(form, info),
    anyway: info.findings.some(({ severity }) => severity === 'error')
  };
}

type Pipeline = NonNullable<INotebookInfo['pipeline']>;

/** The options without a field; the server keeps them unless the pipeline gets another name. */
function withoutFields({ policy }: Pipeline): Partial<IDeployRequest> {
  return {
    on_lost: policy.on_lost,
    priority: policy.priority,
    memory_bytes: policy.memory_bytes,
    checkpoint: policy.checkpoint,
    cold: !policy.warm
  };
}

/** What goes back to its default; the server keeps what is left out. */
function resetsOf(form: IScheduleForm, pipeline: Pipeline): string[] {
  const removed = Object.keys(pipeline.parameters).filter(
    key => !(key in form.values)
  );
  return [
    ...(pipeline.timeout && !form.timeout.trim() ? ['timeout'] : []),
    ...removed.map(key => `param.${key}`),
    ...(Object.keys(pipeline.policy.tags ?? {}).some(
      key => !(key in tagsOf(form))
    )
      ? ['tag']
      : []),
    ...(pipeline.policy.shared && !form.shared ? ['shared'] : [])
  ];
}

/** The tags in the field; text without "=" is a tag with an empty value. */
function tagsOf(form: IScheduleForm): Record<string, string> {
  const texts = form.tags.split(',').map(text => text.trim());
  return Object.fromEntries(
    texts.filter(Boolean).map(text => {
      const [key, ...value] = text.split('=');
      return [key.trim(), value.join('=').trim()];
    })
  );
}

/** The patterns to send: an empty one removes those that are deployed. */
function patternsOf(form: IScheduleForm, info: INotebookInfo): string[] {
  const patterns = form.include.split(/\s+/).filter(Boolean);
  return patterns.length || !info.include.length ? patterns : [''];
}
