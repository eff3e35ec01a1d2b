import {
  formatAge,
  formatBytes,
  formatDuration,
  formatLogTail,
  shortPath
} from '../format';
import { readDuration, scheduleLine, spellDuration } from '../lines';
import { choiceOf, wordsOf } from '../presets';
import { formFor, problemsOf, requestOf, writeWhen } from '../scheduleForm';

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

  it('reads back what it spells', () => {
    for (const seconds of [1, 59, 60, 3600, 5400, 90_061]) {
      expect(readDuration(spellDuration(seconds))).toBe(seconds);
    }
  });

  it.each(['soon', '', '5x', 'h'])('refuses %p', text => {
    expect(readDuration(text)).toBeNull();
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
  it.each([
    'every 15m',
    '@hourly',
    'daily at 06:00',
    'weekdays at 07:30',
    'thu at 09:00',
    'monthly on 15 at 05:00'
  ])('%s is a preset and writes itself again', words => {
    expect(wordsOf(choiceOf(words))).toBe(words);
  });

  it('leaves other words as they are', () => {
    const form = writeWhen(formFor(INFO, 'a/b.ipynb'), '0 6 * * 1-5');
    expect(form.choice.preset).toBe('custom');
    expect(form.when).toBe('0 6 * * 1-5');
  });
});

describe('scheduleLine', () => {
  it('says all that is deployed', () => {
    const form = {
      ...formFor(INFO, 'a/b.ipynb'),
      timezone: 'Europe/Paris',
      values: { day: '2026-01-01', note: 'two words' }
    };
    expect(scheduleLine(requestOf(form, 'a/b.ipynb', []))).toBe(
      '%etl schedule "weekdays at 06:00" --tz Europe/Paris --name b -p day=2026-01-01 -p "note=two words" --retries 3 --catchup latest --overlap skip'
    );
  });

  it('says after what', () => {
    const form = {
      ...formFor(INFO, 'b.ipynb'),
      mode: 'after' as const,
      after: ['x', 'y']
    };
    const request = requestOf(form, 'b.ipynb', []);
    expect(request.when).toBe('');
    expect(scheduleLine(request)).toContain('--after x,y');
  });

  it('keeps what has no field', () => {
    const kept = {
      on_lost: 'fail' as const,
      priority: -5,
      memory_bytes: 2_000_000_000,
      checkpoint: true,
      cold: true
    };
    const form = {
      ...formFor(INFO, 'b.ipynb'),
      mode: 'after' as const,
      after: ['x', 'y'],
      afterAll: true,
      kept
    };
    const request = requestOf(form, 'b.ipynb', []);
    expect(request).toMatchObject({ ...kept, after_all: true });
    expect(scheduleLine(request)).toMatch(
      /--after x,y --after-all .* --on-lost fail --priority -5 --memory 2000000000 --checkpoint --cold$/
    );
    const times = requestOf({ ...form, mode: 'times' }, 'b.ipynb', []);
    expect(times.after_all).toBe(false);
  });

  it('names the files to include, and takes away those that are deployed', () => {
    const info = { ...INFO, include: ['config/*.yaml', 'a b'] };
    const form = formFor(info, 'b.ipynb');
    const given = requestOf({ ...form, include: 'x.txt  y/*.csv' }, 'b', []);
    expect(given.include).toEqual(['x.txt', 'y/*.csv']);
    expect(scheduleLine(given)).toMatch(
      /--include x.txt --include "y\/\*.csv"$/
    );
    const none = requestOf({ ...form, include: ' ' }, 'b', []);
    expect(none.include).toEqual(['']);
    expect(scheduleLine(none)).toMatch(/--include ""$/);
    const never = requestOf(formFor(INFO, 'b.ipynb'), 'b', []);
    expect(never.include).toEqual([]);
  });
});

describe('problemsOf', () => {
  it('finds what is missing', () => {
    const form = formFor(INFO, 'b.ipynb');
    expect(problemsOf(form)).toEqual([]);
    expect(
      problemsOf({ ...form, when: ' ', name: '', retries: '-1', timeout: 'x' })
    ).toEqual(['when', 'name', 'retries', 'timeout']);
    expect(problemsOf({ ...form, mode: 'after' })).toEqual(['after']);
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
    const form = formFor(deployed({}), 'b.ipynb');
    expect(form.mode).toBe('demand');
    const request = requestOf(form, 'b.ipynb', []);
    expect(request).toMatchObject({
      when: '',
      after: [],
      on_demand: true,
      retries: 7,
      timeout_s: 90,
      priority: 5,
      parameters: { day: '2026-01-01' },
      reset: ['param.gone']
    });
    expect(scheduleLine(request)).toContain('--on-demand --reset param.gone');
    expect(problemsOf(form)).toEqual([]);
  });

  it('says which parameters go back to their default', () => {
    const form = { ...formFor(deployed({}), 'b.ipynb'), values: {} };
    expect(requestOf(form, 'b.ipynb', []).reset).toEqual([
      'param.day',
      'param.gone'
    ]);
    const other = requestOf({ ...form, name: 'c' }, 'b.ipynb', []);
    expect(other.reset).toEqual([]);
  });

  it.each([
    ['cron', 'daily at 06:00', 'times'],
    ['after', '', 'after']
  ])('opens a schedule of kind %s', (kind, text, mode) => {
    const schedule = { kind, text, timezone: 'UTC', after: ['x'] };
    const form = formFor(deployed({ schedule }), 'b.ipynb');
    expect(form.mode).toBe(mode);
    expect(requestOf(form, 'b.ipynb', []).on_demand).toBe(false);
  });
});
