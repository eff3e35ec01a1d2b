import * as React from 'react';

import { PanelView } from '../../panel/panelView';
import {
  button,
  draw,
  erase,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';
import { run } from '../../__tests__/values';

let w: IWorld;

async function panel(tab: any): Promise<HTMLElement> {
  w.model.tab = tab;
  w.model.watched = true;
  await settle(() => w.model.refresh());
  const node = await draw(w, <PanelView />);
  await settle();
  return node;
}

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

describe('runs', () => {
  it('shows how far a run is, and follows its events', async () => {
    w.client.lists.runs = [run()];
    const node = await panel('runs');
    const bar = node.querySelector('[role=progressbar]') as HTMLElement;
    expect(bar.getAttribute('aria-valuenow')).toBe('3');
    await settle(() =>
      w.emit({
        schema_id: 'https://schema.jupyter.org/jupyter_etl/run/v1',
        run: 42,
        pipeline: 'daily',
        state: 'running',
        outcome: null,
        cell: 6,
        cells: 12,
        at: ''
      })
    );
    expect(bar.getAttribute('aria-valuenow')).toBe('6');
    expect(node.querySelector('[aria-live=polite]')!.textContent).toBe(
      'Run 42 of daily: Running, cell 6 of 12'
    );
  });

  it('tells whose fault a failure is, and opens it at the cell', async () => {
    w.client.lists.runs = [
      run({
        state: 'failed',
        outcome: 'failed',
        finished_at: '2026-02-09T06:01:00Z',
        failed_cell: 6,
        has_notebook: true,
        resumable: true,
        error: 'KeyError: day',
        verdict: {
          kind: 'data',
          evidence: 'The column day is gone.',
          retryable: false
        }
      })
    ];
    w.model.openRun = 42;
    const node = await panel('runs');
    const card = node.querySelector('.jp-EtlFailure') as HTMLElement;
    expect(card.textContent).toContain('Data error');
    expect(card.textContent).toContain('Cell 7');
    expect(card.textContent).toContain('The column day is gone.');
    await settle(() => button(card, 'Open at failed cell: #42').click());
    expect(w.opener.calls).toEqual([['openRun', 42, { cell: 6 }]]);
    await settle(() => button(card, 'Retry: #42').click());
    expect(w.client.calls).toContain('retry 42');
    await settle(() => button(card, 'Retry from the failed cell: #42').click());
    expect(w.client.calls).toContain('retry 42 from the failed cell');
  });

  it('says what a retry runs', async () => {
    const failed = { state: 'failed', resumable: true, version: 2 };
    w.client.lists.runs = [run({ id: 42, failed_cell: 1, ...failed })];
    w.client.retryWords = 'Version 3 was deployed. Run 42 is queued again.';
    const node = await panel('runs');
    await settle(() =>
      (node.querySelector('.jp-EtlRow-head') as HTMLElement).click()
    );
    const card = node.querySelector('.jp-EtlFailure')!;
    expect(card.textContent).toContain('Retry runs version 2 again.');
    await settle(() => button(card, 'Retry from the failed cell: #42').click());
    const calls = node.querySelector('.jp-EtlNotice') as HTMLElement;
    expect(calls.textContent).toContain(w.client.retryWords);
    expect(calls.classList).toContain('jp-mod-ok');
    expect(calls.getAttribute('role')).toBe('note');
    await settle(() => button(calls, 'Dismiss').click());
    expect(node.querySelector('.jp-EtlNotice')).toBeNull();
  });

  it('shows a page, and more when asked', async () => {
    w.client.lists.runs = Array.from({ length: 120 }, (_, index) =>
      run({ id: index, state: 'succeeded' })
    );
    const node = await panel('runs');
    expect(node.querySelectorAll('.jp-EtlRow')).toHaveLength(50);
    expect(node.textContent).toContain('Showing 50 of 120');
    await settle(() => button(node, 'Show more').click());
    expect(node.querySelectorAll('.jp-EtlRow')).toHaveLength(100);
  });
});
