/** The schedule dialog's fields, to and from what the server takes; all pure. */

import type {
  Catchup,
  IDeployRequest,
  INotebookInfo,
  IParameter,
  ISchedule,
  Overlap
} from '../api';
import { readDuration, readValues, spellDuration } from './lines';
import {
  choiceOf,
  DEFAULT_CHOICE,
  wordsOf,
  type IPresetChoice
} from './presets';

/** What the fields hold; numbers as they were typed. */
export interface IScheduleForm {
  mode: 'times' | 'after' | 'demand';
  choice: IPresetChoice;
  /** The words or the cron expression: what is sent. */
  when: string;
  timezone: string;
  after: readonly string[];
  afterAll: boolean;
  name: string;
  owner: string;
  retries: string;
  timeout: string;
  catchup: Catchup;
  overlap: Overlap;
  /** What has no field stays as it is deployed. */
  kept: Readonly<
    Pick<
      IDeployRequest,
      'on_lost' | 'priority' | 'memory_bytes' | 'checkpoint' | 'cold'
    >
  >;
  /** Whether it may publish what another pipeline publishes. */
  shared: boolean;
  /** Patterns of files that the version pins, separated by blanks. */
  include: string;
  /** Whether the deployed version has such patterns. */
  included: boolean;
  /** Only what differs from the notebook's defaults. */
  values: Readonly<Record<string, string>>;
  /** The deployed pipeline, what it gives a value to, and whether that is the time limit too. */
  deployed: Readonly<{
    name: string;
    parameters: readonly string[];
    limited: boolean;
    shared: boolean;
  }> | null;
}

/** Which field is wrong. */
export type FormProblem = 'when' | 'after' | 'name' | 'retries' | 'timeout';

/** The fields for a notebook: as deployed, or the defaults. */
export function formFor(info: INotebookInfo, path: string): IScheduleForm {
  const { pipeline } = info;
  const schedule = pipeline?.schedule ?? null;
  const declared = new Set(info.parameters.map(item => item.name));
  const when =
    schedule && schedule.kind !== 'after'
      ? schedule.text
      : wordsOf(DEFAULT_CHOICE);
  return {
    mode: pipeline && !schedule ? 'demand' : modeOf(schedule),
    choice: choiceOf(when),
    when,
    timezone:
      schedule && schedule.kind !== 'after'
        ? schedule.timezone
        : Intl.DateTimeFormat().resolvedOptions().timeZone,
    after: schedule?.after ?? [],
    afterAll: schedule?.after_all ?? false,
    name: pipeline?.name ?? stemOf(path),
    owner: pipeline?.owner ?? '',
    retries: String(pipeline?.policy.retries ?? 3),
    timeout: pipeline?.policy.timeout_s
      ? spellDuration(pipeline.policy.timeout_s)
      : '',
    catchup: pipeline?.policy.catchup ?? 'latest',
    overlap: pipeline?.policy.overlap ?? 'skip',
    kept: {
      on_lost: pipeline?.policy.on_lost ?? null,
      priority: pipeline?.policy.priority ?? null,
      memory_bytes: pipeline?.policy.memory_bytes ?? null,
      checkpoint: pipeline?.policy.checkpoint ?? false,
      cold: !(pipeline?.policy.warm ?? true)
    },
    shared: pipeline?.policy.shared ?? false,
    include: info.include.join(' '),
    included: info.include.length > 0,
    values: Object.fromEntries(
      Object.entries(pipeline?.parameters ?? {})
        .filter(([key]) => declared.has(key))
        .map(([key, value]) => [
          key,
          typeof value === 'string' ? value : JSON.stringify(value)
        ])
    ),
    deployed: pipeline
      ? {
          name: pipeline.name,
          parameters: Object.keys(pipeline.parameters),
          limited: pipeline.policy.timeout_s !== null,
          shared: pipeline.policy.shared
        }
      : null
  };
}

function modeOf(schedule: ISchedule | null): IScheduleForm['mode'] {
  return schedule?.kind === 'after' ? 'after' : 'times';
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

/** Change the words; the preset follows. */
export function writeWhen(form: IScheduleForm, when: string): IScheduleForm {
  return { ...form, when, choice: choiceOf(when, form.choice) };
}

/** What is wrong without asking the server. */
export function problemsOf(form: IScheduleForm): FormProblem[] {
  const problems: FormProblem[] = [];
  if (form.mode === 'times' && !form.when.trim()) {
    problems.push('when');
  }
  if (form.mode === 'after' && !form.after.length) {
    problems.push('after');
  }
  if (!form.name.trim()) {
    problems.push('name');
  }
  if (!/^\d+$/.test(form.retries.trim())) {
    problems.push('retries');
  }
  const timeout = readDuration(form.timeout);
  if (form.timeout.trim() && (timeout === null || timeout <= 0)) {
    problems.push('timeout');
  }
  return problems;
}

/** What the server takes. */
export function requestOf(
  form: IScheduleForm,
  path: string,
  declared: readonly IParameter[]
): IDeployRequest {
  const times = form.mode === 'times';
  const after = form.mode === 'after';
  const name = form.name.trim();
  const { deployed } = form;
  return {
    notebook: path,
    when: times ? form.when.trim() : '',
    timezone: form.timezone,
    name: name || null,
    parameters: readValues(form.values, declared),
    retries: /^\d+$/.test(form.retries.trim()) ? Number(form.retries) : null,
    timeout_s: readDuration(form.timeout),
    catchup: form.catchup,
    overlap: form.overlap,
    ...form.kept,
    owner: form.owner.trim() || null,
    after: after ? [...form.after] : [],
    after_all: after && form.afterAll,
    on_demand: form.mode === 'demand',
    // The server keeps what is left out.
    reset:
      deployed?.name === name
        ? [
            ...(deployed.limited && !form.timeout.trim() ? ['timeout'] : []),
            ...deployed.parameters
              .filter(key => !(key in form.values))
              .map(key => `param.${key}`),
            ...(deployed.shared && !form.shared ? ['shared'] : [])
          ]
        : [],
    shared: form.shared,
    include: patternsOf(form)
  };
}

/** The patterns to send: an empty one takes away those that are deployed. */
function patternsOf(form: IScheduleForm): string[] {
  const patterns = form.include.split(/\s+/).filter(Boolean);
  return patterns.length || !form.included ? patterns : [''];
}
