import * as React from 'react';

import { ApiError } from '../../api';
import { PanelView } from '../panelView';
import {
  button,
  draw,
  erase,
  pass,
  pipeline,
  run,
  settle,
  world,
  type IWorld
} from './fakes';

const GRACE_MS = 8000;

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
  w = world({ graceMs: GRACE_MS });
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

describe('PanelView', () => {
  it('moves between the tabs with arrows, Home and End', async () => {
    const node = await panel('pipelines');
    const selected = () =>
      node.querySelector('[role=tab][aria-selected=true]') as HTMLElement;
    const press = (key: string) =>
      settle(() =>
        selected().dispatchEvent(
          new KeyboardEvent('keydown', { key, bubbles: true })
        )
      );
    expect(selected().textContent).toContain('Pipelines');
    await press('ArrowRight');
    expect(selected().textContent).toContain('Runs');
    expect(document.activeElement).toBe(selected());
    await press('End');
    expect(selected().textContent).toContain('Published');
    await press('ArrowRight');
    expect(selected().textContent).toContain('Sources');
    await press('ArrowLeft');
    await press('Home');
    expect(selected().textContent).toContain('Sources');
  });

  it('asks for nothing but reading when it opens', async () => {
    w.client.lists.pipelines = [pipeline()];
    await panel('pipelines');
    expect(w.client.said.every(line => /^(summary|pipelines)/.test(line))).toBe(
      true
    );
  });

  it.each([
    ['sources', '%etl source'],
    ['pipelines', '%etl schedule'],
    ['runs', '%etl run'],
    ['published', '%etl publish table']
  ])('inserts a working cell from the empty %s', async (tab, text) => {
    const node = await panel(tab);
    await settle(() => button(node, 'Insert this cell').click());
    const [name, source] = w.opener.said[0];
    expect(name).toBe('insertCell');
    expect(source).toContain('%load_ext jupyter_etl');
    expect(source).toContain(text);
  });

  it('says how to start a scheduler when none is alive', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, schedulers: [] };
    const node = await panel('pipelines');
    expect(node.textContent).toContain('jupyter etl up');
  });

  it('starts a scheduler when none is alive, and waits until it is', async () => {
    const alive = w.client.summaryValue;
    w.client.summaryValue = { ...alive, schedulers: [] };
    const node = await panel('pipelines');
    await settle(() => button(node, 'Start: a scheduler').click());
    expect(w.client.said).toContain('startScheduler');
    const starting = button(node, 'Starting …: a scheduler');
    expect(starting.disabled).toBe(true);
    w.client.summaryValue = alive;
    await pass(2000);
    expect(node.textContent).not.toContain('No scheduler is alive');
  });

  it('says why no scheduler could be started', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, schedulers: [] };
    w.client.fail.startScheduler = new ApiError({ message: 'Not allowed.' });
    const node = await panel('pipelines');
    await settle(() => button(node, 'Start: a scheduler').click());
    expect(node.querySelector('[role=alert]')!.textContent).toBe(
      'Not allowed.'
    );
    expect(button(node, 'Start: a scheduler').disabled).toBe(false);
  });

  it.each(['sources', 'pipelines', 'runs', 'published'])(
    'says once that the server is down, above the %s',
    async tab => {
      w.client.lists.runs = [run({ state: 'failed' })];
      const node = await panel(tab);
      if (tab === 'runs') {
        await settle(() =>
          (node.querySelector('.jp-EtlRow-head') as HTMLElement).click()
        );
      }
      const down = () => new ApiError({ message: 'It does not answer.' });
      for (const name of [
        'summary',
        'sources',
        'pipelines',
        'runs',
        'run',
        'publications',
        'holds'
      ]) {
        w.client.fail[name] = down();
      }
      await settle(() => w.model.refresh());
      await settle();
      expect(node.textContent!.split('It does not answer.').length).toBe(2);
      w.client.fail = {};
      await settle(() => button(node, 'Try again').click());
      await settle();
      expect(node.querySelector('[role=alert]')).toBeNull();
    }
  );

  it('shows an error in place, with its hint and a way to try again', async () => {
    w.client.fail.runs = new ApiError({
      message: 'The ledger cannot be reached.',
      hint: 'Run jupyter etl doctor.'
    });
    const node = await panel('runs');
    const alert = node.querySelector('[role=alert]') as HTMLElement;
    expect(alert.textContent).toContain('The ledger cannot be reached.');
    expect(alert.textContent).toContain('Run jupyter etl doctor.');
    w.client.fail = {};
    w.client.lists.runs = [run()];
    await settle(() => button(alert, 'Try again').click());
    expect(node.querySelector('[data-name="42"]')).not.toBeNull();
  });
});

describe('pipelines', () => {
  it('puts those that need somebody first', async () => {
    w.client.lists.pipelines = [
      pipeline({ name: 'good' }),
      pipeline({ name: 'bad', health: 'failing', severity: 4 }),
      pipeline({ name: 'overdue', health: 'late', severity: 1 }),
      pipeline({ name: 'stopped', health: 'auto_paused', severity: 5 })
    ];
    const node = await panel('pipelines');
    const names = [...node.querySelectorAll('.jp-EtlRow')].map(row =>
      row.getAttribute('data-name')
    );
    expect(names).toEqual(['stopped', 'bad', 'overdue', 'good']);
    expect(node.textContent).toContain('Needs you · 3');
  });

  it('says why the platform paused one, and resumes it there', async () => {
    w.client.lists.pipelines = [
      pipeline({
        health: 'auto_paused',
        severity: 5,
        paused: true,
        paused_by: 'platform',
        health_note: 'Paused by the platform after 5 failures in a row',
        health_run: 42
      })
    ];
    const node = await panel('pipelines');
    const notice = node.querySelector('.jp-EtlNotice.jp-mod-stopped')!;
    expect(notice.textContent).toContain('after 5 failures in a row');
    expect(notice.textContent).toContain('No run has succeeded yet');
    await settle(() =>
      button(node, 'Resume: daily after its failures').click()
    );
    expect(w.client.said).toContain('resume daily');
    await settle(() => button(node, 'Show run 42').click());
    expect([w.model.tab, w.model.openRun]).toEqual(['runs', 42]);
  });

  it.each([
    ['person', 'failing', 4, 'Failing', 'paused'],
    ['person', 'paused', 0, 'Paused', 'paused'],
    ['platform', 'auto_paused', 5, 'Paused after failures', 'by the platform']
  ])(
    'paused by the %s it is %s',
    async (paused_by, health, severity, label, text) => {
      w.client.lists.pipelines = [
        pipeline({ health, severity, paused: true, paused_by })
      ];
      const row = (await panel('pipelines')).querySelector('.jp-EtlRow')!;
      const sign = row.querySelector('.jp-EtlRow-sign svg')!;
      expect(sign.getAttribute('aria-label')).toBe(label);
      expect(row.querySelector('.jp-EtlRow-foot')!.textContent).toContain(text);
      expect(button(row as HTMLElement, 'Resume: daily')).not.toBeNull();
    }
  );

  it('runs and pauses, and tells the line that does the same', async () => {
    w.client.lists.pipelines = [pipeline()];
    const node = await panel('pipelines');
    const start = button(node, 'Run now: daily');
    expect(start.title).toContain('jupyter etl trigger daily');
    await settle(() => start.click());
    await settle(() => button(node, 'Pause: daily').click());
    expect(w.opener.said).toContainEqual(['runNow', 'daily']);
    expect(w.client.said).toContain('pause daily');
  });

  it('shows what the server says against an action in its row', async () => {
    w.client.lists.pipelines = [pipeline()];
    w.client.fail.pause = new ApiError({ message: 'It belongs to kim.' });
    const node = await panel('pipelines');
    await settle(() => button(node, 'Pause: daily').click());
    const row = node.querySelector('[data-name=daily]') as HTMLElement;
    expect(row.querySelector('[role=alert]')!.textContent).toContain(
      'It belongs to kim.'
    );
    await settle(() => button(row, 'Dismiss').click());
    expect(row.querySelector('[role=alert]')).toBeNull();
  });

  it.each([
    ['', false],
    ['Its runs start cold, because it was deployed with --cold.', true]
  ])('tells why runs start cold: %p', async (cold_start, told) => {
    w.client.lists.pipelines = [pipeline({ cold_start })];
    const node = await panel('pipelines');
    await settle(() =>
      (node.querySelector('.jp-EtlRow-head') as HTMLElement).click()
    );
    const terms = [...node.querySelectorAll('dt')].map(one => one.textContent);
    expect(terms.includes('Start')).toBe(told);
    expect(node.textContent).toContain(cold_start);
  });

  it('takes an unscheduling back', async () => {
    w.client.lists.pipelines = [pipeline()];
    const node = await panel('pipelines');
    await settle(() =>
      (node.querySelector('.jp-EtlRow-head') as HTMLElement).click()
    );
    const leave = () => settle(() => button(node, 'Unschedule: daily').click());
    await leave();
    await pass(GRACE_MS - 1);
    await settle(() => button(node, 'Undo: daily').click());
    await pass(2 * GRACE_MS);
    expect(w.client.said).not.toContain('unschedule daily');
    expect(() => button(node, 'Undo: daily')).toThrow();
    await leave();
    await pass(GRACE_MS);
    expect(w.client.said).toContain('unschedule daily');
  });

  it('draws each of the last runs with its own title', async () => {
    w.client.lists.pipelines = [
      pipeline({
        last_runs: [
          {
            id: 1,
            state: 'succeeded',
            outcome: 'succeeded',
            seconds: 3,
            due_at: '2026-01-01T06:00:00Z'
          },
          {
            id: 2,
            state: 'failed',
            outcome: 'timed_out',
            seconds: 9,
            due_at: '2026-01-02T06:00:00Z'
          }
        ]
      })
    ];
    const node = await panel('pipelines');
    const titles = [...node.querySelectorAll('.jp-EtlStrip g > title')].map(
      title => title.textContent
    );
    expect(titles[0]).toContain('#1 Succeeded');
    expect(titles[1]).toContain('#2 Timed out');
  });
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
    expect(card.textContent).toContain('In the data');
    expect(card.textContent).toContain('cell 7');
    expect(card.textContent).toContain('The column day is gone.');
    await settle(() => button(card, 'Open at the cell: #42').click());
    expect(w.opener.said).toEqual([['openRun', 42, { cell: 6 }]]);
    await settle(() => button(card, 'Retry: #42').click());
    expect(w.client.said).toContain('retry 42');
    await settle(() => button(card, 'Retry from the failed cell: #42').click());
    expect(w.client.said).toContain('retry 42 from the failed cell');
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
    const said = node.querySelector('.jp-EtlNotice') as HTMLElement;
    expect(said.textContent).toContain(w.client.retryWords);
    expect(said.classList).toContain('jp-mod-ok');
    expect(said.getAttribute('role')).toBe('note');
    await settle(() => button(said, 'Dismiss').click());
    expect(node.querySelector('.jp-EtlNotice')).toBeNull();
  });

  it('shows a page, and more when asked', async () => {
    w.client.lists.runs = Array.from({ length: 120 }, (_, index) =>
      run({ id: index, state: 'succeeded' })
    );
    const node = await panel('runs');
    expect(node.querySelectorAll('.jp-EtlRow')).toHaveLength(50);
    expect(node.textContent).toContain('showing 50 of 120');
    await settle(() => button(node, 'Show more').click());
    expect(node.querySelectorAll('.jp-EtlRow')).toHaveLength(100);
  });
});

describe('the count of the runs', () => {
  const count = (node: HTMLElement) =>
    node.querySelector('#jp-etl-tab-runs')!.textContent;

  it('is that of the list, filtered or not', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, runs: 3 };
    w.client.lists.runs = [run(), run({ id: 41 }), run({ id: 40 })];
    const node = await panel('pipelines');
    expect(count(node)).toContain('3');
    await settle(() => {
      w.model.tab = 'runs';
    });
    expect(count(node)).toContain('3');
    w.client.lists.runs = [run()];
    await settle(() => w.model.filterRuns({ state: 'failed' }));
    expect(count(node)).toContain('1');
    await settle(() => {
      w.model.tab = 'pipelines';
    });
    expect(count(node)).toContain('1');
  });

  it('has a filter for all that is in progress', async () => {
    const node = await panel('runs');
    const input = node.querySelector(
      'input[value="queued,dispatched,running"]'
    ) as HTMLInputElement;
    await settle(() => input.click());
    expect(w.client.said.join()).toContain('queued,dispatched,running');
  });
});

describe('a pipeline whose notebook is gone', () => {
  it('says what still runs, and offers to relink it', async () => {
    w.client.lists.pipelines = [pipeline({ missing: true })];
    const node = await panel('pipelines');
    expect(node.textContent).toContain(
      'daily.ipynb was renamed, moved or deleted. Runs go on with version 3, as it was deployed.'
    );
    await settle(() => button(node, 'Relink: daily').click());
    expect(w.opener.said).toContainEqual(['relink', 'daily']);
    expect(
      node.querySelector('[aria-label="Edit schedule: daily"]')
    ).toBeNull();
  });

  it('is not said of one that is there', async () => {
    w.client.lists.pipelines = [pipeline()];
    const node = await panel('pipelines');
    expect(node.textContent).not.toContain('renamed');
    expect(node.querySelector('[aria-label="Relink: daily"]')).toBeNull();
  });
});
