import * as React from 'react';

import { StatusView } from '../../panel/statusBar';
import { draw, erase, settle, world, type IWorld } from '../../__tests__/fakes';

let w: IWorld;

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

describe('StatusView', () => {
  it('has a word of its own in the status bar, which failures go before', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, held: 2 };
    await settle(() => w.model.refresh());
    const node = await draw(w, <StatusView onOpen={() => undefined} />);
    expect(node.textContent).toContain('2 held');
    expect(node.textContent).not.toContain('failing');
    const shape = () =>
      node.querySelector('.jp-EtlStatus')!.getAttribute('class');
    expect(shape()).toContain('jp-mod-held');
    w.client.summaryValue = { ...w.client.summaryValue, failing: 1 };
    await settle(() => w.model.refresh());
    expect(node.textContent).toContain('1 failing · 2 held');
    expect(shape()).toContain('jp-mod-failing');
  });

  it.each([
    [{}, 'ok', 'ETL: healthy', ''],
    [
      { runs_active: 2, runs_running: 2 },
      'running',
      'ETL: healthy',
      '2 running'
    ],
    [
      { runs_active: 3, runs_running: 1 },
      'running',
      'ETL: healthy',
      '2 queued'
    ],
    [{ well: false, late: 1 }, 'late', 'ETL: 1 late', '1 late'],
    [{ well: false, stale: 1 }, 'late', 'ETL: 1 stale', '1 stale'],
    [
      { well: false, backfill_failed: 1 },
      'late',
      'ETL: 1 backfill failed',
      '1 backfill failed'
    ],
    [
      { well: false, silent_sources: 1 },
      'late',
      '1 source not reachable',
      '1 source'
    ],
    [{ well: false, full_disk: 'no space' }, 'late', 'no space', 'disk full'],
    [
      {
        well: false,
        schedulers: [
          {
            id: 's',
            host: 'here',
            pid: 7,
            workers: 2,
            seen_at: '2026-01-05T12:00:00Z',
            note: '/home cannot be written: Read-only file system'
          }
        ]
      },
      'late',
      'here:7: /home cannot be written: Read-only file system',
      '1 scheduler not starting runs'
    ],
    [{ well: false, schedulers: [] }, 'late', 'no scheduler', 'no scheduler'],
    [{ well: false, failing: 2 }, 'failing', 'ETL: 2 failing', '2 failing'],
    [
      {
        well: false,
        failing: 2,
        late: 1,
        auto_paused: [
          {
            name: 'daily',
            note: 'After 5 failures',
            resume: 'jupyter etl resume daily'
          }
        ]
      },
      'stopped',
      'daily: After 5 failures\nTo resume: jupyter etl resume daily',
      '1 paused after failures · 1 failing · 1 late'
    ]
  ])('says in the status bar: %j', async (change, shape, title, text) => {
    w.client.lists.holds = [];
    w.client.summaryValue = { ...w.client.summaryValue, held: 0, ...change };
    await settle(() => w.model.refresh());
    const node = await draw(w, <StatusView onOpen={() => undefined} />);
    const item = node.querySelector('.jp-EtlStatusItem')!;
    expect(item.className).toContain(`jp-mod-${shape}`);
    expect(item.getAttribute('title')).toContain(title);
    expect(item.textContent).toContain(text);
  });
});
