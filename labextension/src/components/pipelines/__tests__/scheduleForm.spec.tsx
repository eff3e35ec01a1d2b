import * as React from 'react';

import { ApiError } from '../../../api';
import { formatLocal } from '../../pipelines/schedulePreview';
import { ScheduleForm } from '../../pipelines/scheduleForm';
import {
  draw,
  erase,
  pass,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';
import { pipeline } from '../../__tests__/values';

let w: IWorld;

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

/** How long typing pauses before the server is asked. */
const PAUSE_MS = 300;

function type(node: Element, label: string, value: string): Promise<void> {
  const found = [...node.querySelectorAll('label')].find(
    item => item.textContent === label
  )!;
  const input = document.getElementById(found.htmlFor) as HTMLInputElement;
  return settle(() => {
    Object.getOwnPropertyDescriptor(
      HTMLInputElement.prototype,
      'value'
    )!.set!.call(input, value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

describe('ScheduleForm', () => {
  async function form(info: any = {}): Promise<[HTMLElement, any[]]> {
    const calls: any[] = [];
    const node = await draw(
      w,
      <ScheduleForm
        path="work/daily.ipynb"
        info={{ ...w.client.notebookInfo, ...info }}
        error={null}
        onChange={request => calls.push(request)}
      />
    );
    return [node, calls];
  }

  it('shows the words and the next times of what is typed', async () => {
    const [node, calls] = await form();
    await type(node, 'Schedule in words or cron', 'daily at 07:30');
    await pass(PAUSE_MS - 1);
    expect(w.client.calls).not.toContain('preview daily at 07:30');
    await pass(1);
    expect(node.querySelector('.jp-EtlNext')!.textContent).toContain(
      'in words: daily at 07:30'
    );
    expect(calls.pop()).toMatchObject({
      notebook: 'work/daily.ipynb',
      name: 'daily',
      when: 'daily at 07:30'
    });
    expect(node.querySelector('.jp-EtlLine')!.textContent).toContain(
      '"when":"daily at 07:30"'
    );
  });

  it('says beside the field what is no schedule, and lets nothing be deployed', async () => {
    w.client.fail.preview = new ApiError({
      message: "'moon' is not a schedule.",
      hint: "Write 'every 15m'."
    });
    const [node, calls] = await form();
    await type(node, 'Schedule in words or cron', 'moon');
    await pass(PAUSE_MS);
    expect(node.textContent).toContain("'moon' is not a schedule.");
    expect(calls.pop()).toBeNull();
  });

  it('says a wrong timezone under its own field', async () => {
    w.client.fail.preview = new ApiError({
      message: "'Mars/Base' is not a valid timezone.",
      field: 'timezone'
    });
    const [node, calls] = await form();
    await type(node, 'Timezone', 'Mars/Base');
    await pass(PAUSE_MS);
    const invalid = [...node.querySelectorAll('[aria-invalid="true"]')];
    expect(invalid.map(field => (field as HTMLInputElement).value)).toEqual([
      'Mars/Base'
    ]);
    const note = invalid[0].getAttribute('aria-describedby')!;
    expect(document.getElementById(note)!.textContent).toBe(
      "'Mars/Base' is not a valid timezone."
    );
    expect(calls.pop()).toBeNull();
  });

  it.each([
    ['Time limit', 'timeout', 'soon', 'jp-EtlField'],
    ['Retries', 'retries', '1.5', 'jp-EtlField'],
    ['Name', 'name', 'a/b', 'jp-EtlField'],
    ['Owner', 'owner', 'x', 'jp-EtlForm']
  ])(
    'shows the error of the server about %s',
    async (label, field, text, at) => {
      w.client.fail.lines = new ApiError({
        message: 'It cannot be read.',
        hint: 'Write 90s.',
        field
      });
      const [node, calls] = await form();
      await type(node, label, text);
      await pass(PAUSE_MS);
      expect(calls.pop()).toBeNull();
      const shown = [
        ...node.querySelectorAll('.jp-EtlField-note, .jp-EtlNotice')
      ]
        .filter(one => one.textContent!.includes('It cannot be read.'))
        .map(one => one.parentElement!.classList[0]);
      expect(shown).toEqual([at]);
    }
  );

  it('shows the preset that the server reads in the words', async () => {
    const [node] = await form();
    const repeat = () =>
      (node.querySelector('select') as HTMLSelectElement).value;
    w.client.preset = {
      kind: 'weekly',
      time: '09:00',
      weekday: 'thu',
      day: null
    };
    await type(node, 'Schedule in words or cron', '0 9 * * 4');
    expect(repeat()).toBe('custom');
    await pass(PAUSE_MS);
    expect(repeat()).toBe('weekly');
    expect((node.querySelector('[type=time]') as HTMLInputElement).value).toBe(
      '09:00'
    );
  });

  it('sends only the parameters that were changed, as typed', async () => {
    const [node, calls] = await form({
      parameters: [
        { name: 'limit', type: 'int', default: '10', origin: 'cell', help: '' },
        {
          name: 'day',
          type: 'date',
          default: 'yesterday',
          origin: 'command',
          help: ''
        }
      ]
    });
    const input = node.querySelector(
      '[aria-label="Value of limit"]'
    ) as HTMLInputElement;
    expect(input.placeholder).toBe('default: 10');
    await settle(() => {
      Object.getOwnPropertyDescriptor(
        HTMLInputElement.prototype,
        'value'
      )!.set!.call(input, '25');
      input.dispatchEvent(new Event('input', { bubbles: true }));
    });
    expect(calls.pop().parameters).toEqual({ limit: '25' });
  });

  it('lists the files that are pinned, and sends patterns of others', async () => {
    const [node, calls] = await form({
      files: [
        { path: 'helper.py', content_hash: 'a', bytes: 1234, role: 'module' }
      ],
      include: ['config/*.yaml']
    });
    expect(node.querySelector('.jp-EtlFiles')!.textContent).toBe(
      'helper.py 1.2 kB'
    );
    expect(calls.pop().include).toEqual(['config/*.yaml']);
    await type(node, 'Also include', 'a.csv b.csv');
    expect(calls.pop().include).toEqual(['a.csv', 'b.csv']);
    await type(node, 'Also include', '');
    expect(calls.pop().include).toEqual(['']);
  });

  it('says where a notebook has no local files', async () => {
    const [node] = await form();
    expect(node.textContent).toContain('imports no local modules');
  });

  it('tells that the notebook has changed since it was deployed', async () => {
    const [node] = await form({ pipeline: pipeline(), changed: true });
    expect(node.textContent).toContain('Deploying creates version 4');
  });
});

describe('formatLocal', () => {
  it('shows the clock of that place, whatever the browser has', () => {
    expect(formatLocal('2026-02-09T06:00:00+01:00')).toBe(
      'Mon, Feb 9, 2026, 06:00 UTC+01:00'
    );
    expect(formatLocal('2026-02-09T06:00:00+00:00')).toBe(
      'Mon, Feb 9, 2026, 06:00 UTC'
    );
    expect(formatLocal('soon')).toBe('soon');
  });
});
