import * as React from 'react';

import { ApiError } from '../../../api';
import { PanelView } from '../../panel/panelView';
import {
  button,
  draw,
  erase,
  pass,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';
import { pipeline } from '../../__tests__/values';

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
    expect(node.textContent).toContain('Needs attention · 3');
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
    expect(w.client.calls).toContain('resume daily');
    await settle(() => button(node, 'Show run 42').click());
    expect([w.model.tab, w.model.openRun]).toEqual(['runs', 42]);
  });

  it.each([
    ['person', 'failing', 4, 'Failing', 'paused'],
    ['person', 'paused', 0, 'Paused', 'paused'],
    [
      'platform',
      'auto_paused',
      5,
      'Paused after failures',
      'paused automatically'
    ]
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
    expect(w.opener.calls).toContainEqual(['runNow', 'daily']);
    expect(w.client.calls).toContain('pause daily');
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
  ])('shows why runs start cold: %p', async (cold_start, shown) => {
    w.client.lists.pipelines = [pipeline({ cold_start })];
    const node = await panel('pipelines');
    await settle(() =>
      (node.querySelector('.jp-EtlRow-head') as HTMLElement).click()
    );
    const terms = [...node.querySelectorAll('dt')].map(one => one.textContent);
    expect(terms.includes('Startup')).toBe(shown);
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
    expect(w.client.calls).not.toContain('unschedule daily');
    expect(() => button(node, 'Undo: daily')).toThrow();
    await leave();
    await pass(GRACE_MS);
    expect(w.client.calls).toContain('unschedule daily');
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

describe('a pipeline whose notebook is gone', () => {
  it('says what still runs, and offers to relink it', async () => {
    w.client.lists.pipelines = [pipeline({ missing: true })];
    const node = await panel('pipelines');
    expect(node.textContent).toContain(
      'daily.ipynb was renamed, moved or deleted. Runs still use version 3, as deployed.'
    );
    await settle(() => button(node, 'Relink: daily').click());
    expect(w.opener.calls).toContainEqual(['relink', 'daily']);
    expect(
      node.querySelector('[aria-label="Edit schedule: daily"]')
    ).toBeNull();
  });

  it('is not shown for one that is there', async () => {
    w.client.lists.pipelines = [pipeline()];
    const node = await panel('pipelines');
    expect(node.textContent).not.toContain('renamed');
    expect(node.querySelector('[aria-label="Relink: daily"]')).toBeNull();
  });
});
