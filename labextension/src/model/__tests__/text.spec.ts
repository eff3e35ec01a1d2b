import {
  formatAge,
  formatBytes,
  formatDuration,
  formatLogTail,
  shortPath
} from '../format';
import { choiceOf, wordsOf } from '../presets';
import { formFor, missingFields, requestOf, writeWhen } from '../scheduleForm';

const INFO: any = {
  parameters: [],
  findings: [],
  kernel: null,
  pipeline: null,
  changed: false,
  files: [],
  include: []
};

describe('durations', () => {
  it.each([
    [0.44, '0.4s'],
    [34, '34s'],
    [192, '3m 12s'],
    [3900, '1h 5m'],
    [3600, '1h'],
    [183_600, '2d 3h']
  ])('%s s reads %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('shortens ages, sizes and paths', () => {
    expect(formatAge(7300)).toBe('2h');
    expect(formatBytes(3_200_000)).toBe('3.2 MB');
    expect(shortPath('/a/b/c/d.ipynb')).toBe('…/c/d.ipynb');
  });
});

describe('formatLogTail', () => {
  it.each([
    [
      '2026-01-31 06:00:03.120 CET  cell 3 started',
      '06:00:03 cell 3 started',
      'CET'
    ],
    [
      '2026-01-31 06:00:03.120 +0530  a\n    File x',
      '06:00:03 a\n    File x',
      '+0530'
    ],
    ['--- Attempt 1 ---', '--- Attempt 1 ---', '']
  ])('%p', (given, text, zone) => {
    expect(formatLogTail(given)).toEqual({ text, zone });
  });
});

describe('presets', () => {
  const words = {
    every15: 'every 15m',
    hourly: '@hourly',
    daily: 'daily at 07:30',
    weekdays: 'weekdays at 07:30',
    weekly: 'thu at 07:30',
    monthly: 'monthly on 15 at 07:30'
  };
  it.each(Object.entries(words))('%s is written as %s', (kind, text) => {
    const preset: any = { kind, time: '07:30', weekday: 'thu', day: 15 };
    expect(wordsOf(choiceOf(preset))).toBe(text);
  });

  it('keeps what a preset does not have', () => {
    const before: any = {
      kind: 'weekly',
      time: '09:00',
      weekday: 'fri',
      day: 7
    };
    const hourly: any = { kind: 'hourly', time: '', weekday: '', day: null };
    expect(choiceOf(hourly, before)).toEqual({ ...before, kind: 'hourly' });
    expect(choiceOf(null, before)).toEqual({ ...before, kind: 'custom' });
  });

  it('leaves typed words as they are', () => {
    const form = writeWhen(formFor(INFO, 'a/b.ipynb'), '0 6 * * 1-5');
    expect(form.choice.kind).toBe('custom');
    expect(form.when).toBe('0 6 * * 1-5');
  });
});

describe('requestOf', () => {
  it('has all that is in the form', () => {
    const form = {
      ...formFor(INFO, 'a/b.ipynb'),
      timezone: 'Europe/Paris',
      timeout: ' 1h30m ',
      tags: ' team = ops,, note=a=b, urgent',
      values: { day: '2026-01-01', note: 'two words' }
    };
    expect(requestOf(form, 'a/b.ipynb', INFO)).toEqual({
      notebook: 'a/b.ipynb',
      when: 'weekdays at 06:00',
      timezone: 'Europe/Paris',
      name: 'b',
      parameters: { day: '2026-01-01', note: 'two words' },
      retries: 3,
      timeout: '1h30m',
      catchup: 'latest',
      overlap: 'skip',
      owner: null,
      tags: { team: 'ops', note: 'a=b', urgent: '' },
      after: [],
      after_all: false,
      on_demand: false,
      reset: [],
      shared: false,
      include: [],
      anyway: false
    });
  });

  it('has the publications that it waits for', () => {
    const after = {
      ...formFor(INFO, 'b.ipynb'),
      after: ['x', 'y'],
      afterAll: true
    };
    const waits = requestOf({ ...after, mode: 'after' }, 'b.ipynb', INFO);
    expect([waits.when, waits.after, waits.after_all]).toEqual([
      '',
      ['x', 'y'],
      true
    ]);
    const times = requestOf({ ...after, mode: 'times' }, 'b.ipynb', INFO);
    expect([times.after, times.after_all]).toEqual([[], false]);
  });

  it('shows the deployed tags, and resets them where one is removed', () => {
    const policy = { tags: { team: 'ops', cost: '7' } };
    const info: any = {
      ...INFO,
      pipeline: { name: 'b', owner: '', policy, parameters: {}, timeout: '' }
    };
    const form = formFor(info, 'b.ipynb');
    expect(form.tags).toBe('team=ops, cost=7');
    expect(requestOf(form, 'b.ipynb', info).reset).toEqual([]);
    const less = requestOf({ ...form, tags: 'team=ops' }, 'b.ipynb', info);
    expect([less.tags, less.reset]).toEqual([{ team: 'ops' }, ['tag']]);
  });

  it('names the files to include, and takes away those that are deployed', () => {
    const info = { ...INFO, include: ['config/*.yaml', 'a b'] };
    const form = formFor(info, 'b.ipynb');
    const include = (text: string, from: any) =>
      requestOf({ ...form, include: text }, 'b', from).include;
    expect(include('x.txt  y/*.csv', info)).toEqual(['x.txt', 'y/*.csv']);
    expect(include(' ', info)).toEqual(['']);
    expect(include('', INFO)).toEqual([]);
  });

  it('deploys in spite of errors that preflight has shown', () => {
    const info = { ...INFO, findings: [{ severity: 'error' }] };
    expect(requestOf(formFor(info, 'b.ipynb'), 'b', info).anyway).toBe(true);
  });
});

describe('missingFields', () => {
  it('finds what is missing', () => {
    const form = formFor(INFO, 'b.ipynb');
    expect(missingFields(form)).toEqual([]);
    expect(missingFields({ ...form, when: ' ', name: '' })).toEqual([
      'when',
      'name'
    ]);
    expect(missingFields({ ...form, mode: 'after' })).toEqual(['after']);
  });
});

describe('the form of a deployed pipeline', () => {
  const deployed = (fields: any): any => ({
    ...INFO,
    parameters: [
      { name: 'day', type: 'date', default: '1', origin: 'cell', help: '' }
    ],
    pipeline: {
      name: 'b',
      owner: 'sam',
      schedule: null,
      preset: null,
      timeout: '1 min 30 s',
      parameters: { day: '2026-01-01', gone: 'x' },
      policy: {
        retries: 7,
        timeout_s: 90,
        catchup: 'all',
        overlap: 'queue',
        on_lost: 'fail',
        priority: 5,
        memory_bytes: null,
        checkpoint: true,
        warm: false,
        parallel: 1,
        shared: false
      },
      ...fields
    }
  });

  it('stays on demand', () => {
    const info = deployed({});
    const form = formFor(info, 'b.ipynb');
    expect(form.mode).toBe('demand');
    const request = requestOf(form, 'b.ipynb', info);
    expect(request).toMatchObject({
      when: '',
      after: [],
      on_demand: true,
      retries: 7,
      timeout: '1 min 30 s',
      parameters: { day: '2026-01-01' },
      reset: ['param.gone']
    });
    expect(missingFields(form)).toEqual([]);
  });

  it('copies what has no field to a pipeline of another name', () => {
    const info = deployed({});
    const form = formFor(info, 'b.ipynb');
    const kept = {
      on_lost: 'fail',
      priority: 5,
      memory_bytes: null,
      checkpoint: true,
      cold: true
    };
    expect(requestOf(form, 'b.ipynb', info)).not.toHaveProperty('priority');
    const copy = requestOf({ ...form, name: 'c' }, 'b.ipynb', info);
    expect(copy).toMatchObject(kept);
  });

  it('says which parameters go back to their default', () => {
    const info = deployed({});
    const form = { ...formFor(info, 'b.ipynb'), values: {}, timeout: '' };
    expect(requestOf(form, 'b.ipynb', info).reset).toEqual([
      'timeout',
      'param.day',
      'param.gone'
    ]);
    const other = requestOf({ ...form, name: 'c' }, 'b.ipynb', info);
    expect(other.reset).toEqual([]);
  });

  it.each([
    ['cron', 'daily at 06:00', 'times'],
    ['after', '', 'after']
  ])('opens a schedule of kind %s', (kind, text, mode) => {
    const schedule = { kind, text, timezone: 'UTC', after: ['x'] };
    const info = deployed({ schedule });
    const form = formFor(info, 'b.ipynb');
    expect(form.mode).toBe(mode);
    expect(requestOf(form, 'b.ipynb', info).on_demand).toBe(false);
  });
});
