import * as React from 'react';

import {
  draw,
  erase,
  pass,
  settle,
  world,
  type IWorld
} from '../../components/__tests__/fakes';
import { run } from '../../components/__tests__/values';
import { LogView } from '../log';

let w: IWorld;

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

/** The log of run 42 on the screen, with a text that is higher than it. */
async function log(change: any): Promise<HTMLElement> {
  w.client.lists.runs = [run(change)];
  w.client.logText = 'cell 1 started';
  Object.defineProperties(HTMLElement.prototype, {
    scrollHeight: { configurable: true, value: 1000 },
    clientHeight: { configurable: true, value: 100 }
  });
  const node = await draw(w, <LogView run={42} />);
  await settle();
  return node.querySelector('pre') as HTMLElement;
}

const asked = () => w.client.calls.filter(line => line === 'log 42').length;

describe('LogView', () => {
  it('follows a run that goes on, and stops at its end', async () => {
    const text = await log({ state: 'running' });
    expect(text.textContent).toBe('cell 1 started');
    expect(text.scrollTop).toBe(1000);
    w.client.logText = 'cell 1 started\n    | output';
    await pass(2000);
    expect(text.textContent).toContain('| output');
    w.client.lists.runs = [run({ state: 'succeeded' })];
    w.client.logText += '\nsucceeded';
    await pass(2000);
    expect(text.textContent).toContain('succeeded');
    const before = asked();
    await pass(20_000);
    expect(asked()).toBe(before);
  });

  it('looks again at once when an event tells of its run', async () => {
    await log({ state: 'running' });
    const before = asked();
    const data = { run: 42, pipeline: 'daily', state: 'running', cell: 2 };
    await settle(() =>
      w.emit({
        schema_id: 'https://schema.jupyter.org/jupyter_etl/run/v1',
        ...data,
        outcome: null,
        cells: 3,
        at: '2026-02-09T06:00:01Z'
      })
    );
    expect(asked()).toBe(before + 1);
  });

  it('leaves who has scrolled away from the end where he is', async () => {
    const text = await log({ state: 'running' });
    text.scrollTop = 300;
    text.dispatchEvent(new Event('scroll', { bubbles: true }));
    w.client.logText += '\nmore';
    await pass(2000);
    expect(text.textContent).toContain('more');
    expect(text.scrollTop).toBe(300);
  });

  it.each([
    ['failed', 1000],
    ['queued', 1000],
    ['succeeded', 0]
  ])('begins at the end that matters: %s', async (state, top) => {
    const text = await log({ state });
    expect(text.scrollTop).toBe(top);
  });

  it('says what it shows and how the run stands', async () => {
    const text = await log({ state: 'failed' });
    const head = text.parentElement!;
    expect(head.querySelector('h2')!.textContent).toBe('daily #42');
    expect(head.textContent).toContain('Failed');
    expect(head.textContent).toContain('jupyter etl logs 42');
  });
});
