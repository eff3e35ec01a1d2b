import * as React from 'react';

import { ApiError } from '../../api';
import { PreviewView } from '../../panels/preview';
import { PanelView } from '../panelView';
import { PublicationPage } from '../publicationPage';
import { StatusView } from '../statusView';
import { Watermarks } from '../watermarks';
import {
  button,
  difference,
  draw,
  erase,
  run,
  settle,
  world,
  type IWorld
} from './fakes';

const HOLD = {
  run: 42,
  names: ['sales.daily'],
  owner: 'sam',
  held_at: '2026-02-09T06:00:00Z',
  held_by: ['gate'],
  outputs: [{ name: 'sales.daily', kind: 'table', mode: 'replace', rows: 3 }],
  checks: [],
  differences: [difference()]
};

const BROKEN = {
  rule: {
    text: 'id: unique',
    kind: 'unique',
    severity: 'error',
    column: 'id',
    argument: ''
  },
  status: 'error',
  dataset: 'daily',
  failed_rows: 2,
  total_rows: 3,
  message: '2 of 3 rows: id is not unique',
  sample: [{ id: '7' }]
};

const HOLDS = {
  'the gate': HOLD,
  'a check': {
    ...HOLD,
    held_by: ['check'],
    checks: [BROKEN],
    differences: [difference({ reasons: [] })]
  },
  both: { ...HOLD, held_by: ['check', 'gate'], checks: [BROKEN] },
  'a check, with new rows': {
    ...HOLD,
    held_by: ['check'],
    outputs: [{ ...HOLD.outputs[0], mode: 'append' }],
    checks: [BROKEN],
    differences: []
  },
  'a check, without outputs': {
    ...HOLD,
    names: [],
    held_by: ['check'],
    outputs: [],
    checks: [BROKEN],
    differences: []
  }
};

let w: IWorld;

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

async function panel(tab: any, hold: any = HOLD): Promise<HTMLElement> {
  w.client.lists.holds = [hold];
  w.client.lists.runs = [
    run({ state: 'held', outcome: 'held', held_by: hold.held_by })
  ];
  w.model.tab = tab;
  w.model.watched = true;
  await settle(() => w.model.refresh());
  const node = await draw(w, <PanelView />);
  await settle();
  return node;
}

describe('what is held', () => {
  it('is shown with its difference, and approved only when asked twice', async () => {
    const node = await panel('published');
    const card = node.querySelector('.jp-EtlHold')!;
    expect(card.textContent).toContain('it has 3 rows, and version 6 has 10');
    const cells = [...card.querySelectorAll('tr')].map(line =>
      [...line.children].map(cell => cell.textContent)
    );
    expect(cells.slice(1)).toEqual([
      ['Rows', '10', '3 (-70%)'],
      ['Column delay', '—', 'double'],
      ['Column late', 'bool', 'dropped'],
      ['Column day', 'date32[day]', 'string']
    ]);
    w.opener.sure = false;
    await settle(() => button(card, 'Approve: #42').click());
    expect(w.client.said).not.toContain('approve 42');
    w.opener.sure = true;
    await settle(() => button(card, 'Approve: #42').click());
    expect(w.client.said).toContain('approve 42');
    expect(w.opener.said.pop()[2]).toContain('approved by sam');
  });

  it.each([
    ['the gate', 'Held by the publish gate', 'Preview 3 rows'],
    ['a check', 'Held by a check', 'Preview 3 rows'],
    ['both', 'Held by a check and the publish gate', 'Preview 3 rows'],
    ['a check, with new rows', 'Held by a check', 'Preview 3 new rows'],
    ['a check, without outputs', 'Held by a check', null]
  ] as const)(
    'is named, shown and decided: %s',
    async (kind, label, preview) => {
      const hold = HOLDS[kind];
      const node = await panel('runs', hold);
      expect(
        node.querySelector(`.jp-EtlRow [role=img][aria-label="${label}"]`)
      ).not.toBeNull();
      await settle(() => {
        w.model.openRun = 42;
      });
      const card = node.querySelector('.jp-EtlHold')!;
      expect(card.textContent).toContain(label);
      expect(card.textContent!.includes(BROKEN.message)).toBe(
        hold.checks.length > 0
      );
      expect(card.textContent!.includes('version 6 has 10')).toBe(
        label.includes('gate')
      );
      expect(node.querySelectorAll('.jp-EtlFailure')).toHaveLength(0);
      const previews = [...card.querySelectorAll('button')].filter(item =>
        item.getAttribute('aria-label')?.startsWith('Preview')
      );
      expect(previews.map(item => item.textContent)).toEqual(
        preview ? [preview] : []
      );
      for (const item of previews) {
        item.click();
        expect(w.opener.said.pop()).toEqual([
          'preview',
          { kind: 'publication', name: 'sales.daily', held: 42 }
        ]);
      }
      w.opener.sure = true;
      await settle(() => button(card, 'Reject: #42').click());
      await settle(() => button(card, 'Approve: #42').click());
      expect(w.client.said).toContain('reject 42');
      expect(w.client.said).toContain('approve 42');
      expect(w.opener.said.pop()![2]).toContain('approved by sam');
    }
  );

  it('is previewed by the rows that its run has staged', async () => {
    const target = { kind: 'publication', name: 'sales.daily', held: 42 };
    const node = await draw(w, <PreviewView target={target as any} />);
    await settle();
    expect(w.client.said).toContain('rows of sales.daily #42');
    expect(node.querySelector('h2')!.textContent).toBe('sales.daily #42');
    expect(node.querySelector('code')!.textContent).toBe('jupyter etl held 42');
  });

  it('goes away once it is decided', async () => {
    const node = await panel('published');
    w.client.lists.holds = [];
    await settle(() => button(node, 'Reject: #42').click());
    expect(w.client.said).toContain('reject 42');
    expect(node.querySelector('.jp-EtlHold')).toBeNull();
  });

  it('says why it could not be decided', async () => {
    const node = await panel('published');
    w.client.fail.approve = new ApiError({
      message: 'It was approved by kim.'
    });
    await settle(() => button(node, 'Approve: #42').click());
    expect(
      node.querySelector('.jp-EtlHold [role=alert]')!.textContent
    ).toContain('It was approved by kim.');
  });

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
    [{}, 'ok', 'all is well', ''],
    [
      { runs_active: 2, runs_running: 2 },
      'running',
      'all is well',
      '2 running'
    ],
    [{ runs_active: 3, runs_running: 1 }, 'running', 'all is well', '2 queued'],
    [{ well: false, late: 1 }, 'late', 'ETL: 1 late', '1 late'],
    [{ well: false, stale: 1 }, 'late', 'ETL: 1 too old', '1 too old'],
    [
      { well: false, backfill_failed: 1 },
      'late',
      'ETL: 1 backfill failed',
      '1 backfill failed'
    ],
    [
      { well: false, silent_sources: 1 },
      'late',
      '1 source does not answer',
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
      '1 scheduler starts no runs'
    ],
    [{ well: false, schedulers: [] }, 'late', 'no scheduler', 'no scheduler'],
    [{ well: false, failing: 2 }, 'failing', 'ETL: 2 failing', '2 failing'],
    [
      {
        well: false,
        failing: 2,
        late: 1,
        auto_paused: [{ name: 'daily', note: 'After 5 failures' }]
      },
      'stopped',
      'daily: After 5 failures\nTo go on: jupyter etl resume daily',
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

  it('stands first among the runs, with the decision in its details', async () => {
    const node = await panel('runs');
    expect(node.querySelector('.jp-EtlGroup-title')!.textContent).toBe(
      'Waits for you · 1'
    );
    await settle(() => {
      w.model.openRun = 42;
    });
    expect(button(node, 'Approve: #42')).toBeDefined();
    expect(node.querySelector('.jp-EtlFailure')).toBeNull();
  });
});

const version = (number: number, change: any = {}) => ({
  name: 'sales.daily',
  number,
  draft: false,
  what: {
    kind: 'table',
    location: '/lake/tables/sales.daily',
    content_hash: '',
    rows: 10 * number,
    bytes: 2048,
    columns: [{ name: 'day', type: 'string' }],
    mode: 'replace',
    title: ''
  },
  owner: 'sam',
  pipeline: 'daily',
  run_id: 40 + number,
  notebook: '/home/sam/daily.ipynb',
  published_at: '2026-02-09T06:00:00Z',
  pruned_at: null,
  note: '',
  ...change
});

describe('PublicationPage', () => {
  async function page(): Promise<HTMLElement> {
    w.client.publicationDetails = {
      name: 'sales.daily',
      kind: 'table',
      owner: 'sam',
      pipeline: 'daily',
      live: version(3, { note: 'approved by kim' }),
      draft: null,
      freshness: null,
      created_at: '2026-02-01T06:00:00Z',
      age_s: 1,
      fresh: 'none',
      history: [
        version(3, { note: 'approved by kim' }),
        version(2),
        version(1, { pruned_at: '2026-02-10T06:00:00Z' })
      ],
      ways_in: [{ engine: 'spark', code: 'spark.read' }]
    };
    const node = await draw(w, <PublicationPage name="sales.daily" />);
    await settle();
    return node;
  }

  it('shows who made which version, and how to read it', async () => {
    const node = await page();
    const lines = [
      ...node.querySelectorAll('.jp-EtlPage-versions tbody tr')
    ].map(line => line.textContent);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain('v3 live30');
    expect(lines[0]).toContain('#43approved by kim');
    expect(lines[2]).toContain('deleted to make room');
    await settle(() => button(node, 'Copy: Spark').click());
    expect(w.opener.said).toContainEqual(['copy', 'spark.read']);
  });

  it('goes back to an old version after a question, and looks again', async () => {
    const node = await page();
    expect(() => button(node, 'Roll back: sales.daily v3')).toThrow();
    expect(() => button(node, 'Roll back: sales.daily v1')).toThrow();
    const asked = () =>
      w.client.said.filter(line => line === 'publication sales.daily').length;
    const before = asked();
    w.opener.sure = false;
    await settle(() => button(node, 'Roll back: sales.daily v2').click());
    expect(w.client.said).not.toContain('rollback sales.daily 2');
    w.opener.sure = true;
    await settle(() => button(node, 'Roll back: sales.daily v2').click());
    expect(w.client.said).toContain('rollback sales.daily 2');
    expect(asked()).toBeGreaterThan(before);
  });

  it('compares two versions', async () => {
    const shown: string[] = [];
    Element.prototype.scrollIntoView = function () {
      shown.push(this.getAttribute('aria-label') ?? '');
    };
    const node = await page();
    expect(shown).toEqual([]);
    await settle(() =>
      button(node, 'Compare: sales.daily v3 with the version before').click()
    );
    expect(w.client.said).toContain('diff sales.daily 2 3');
    // The result stands below what may be a long history.
    expect(shown).toEqual(['Compare']);
    expect(node.querySelector('.jp-EtlDifference')!.textContent).toContain(
      'Column delay'
    );
    expect(node.textContent).toContain('No key tells rows apart');
  });
});

describe('Watermarks', () => {
  it('are reset after a question, and asked for again', async () => {
    w.client.marks = [
      {
        pipeline: 'daily',
        table: 'trips',
        since: 'id',
        value: '42',
        kind: 'integer',
        run: 7,
        by: 'sam',
        at: '2026-02-09T06:00:00Z'
      }
    ];
    const node = await draw(w, <Watermarks pipeline="daily" lastRun="" />);
    await settle();
    expect(node.textContent).toContain('trips.id up to 42');
    w.opener.sure = false;
    await settle(() => button(node, 'Reset: trips id').click());
    expect(w.client.said).not.toContain('reset trips id');
    w.opener.sure = true;
    w.client.marks = [{ ...w.client.marks[0], value: null, run: null }];
    await settle(() => button(node, 'Reset: trips id').click());
    expect(w.client.said).toContain('reset trips id');
    expect(node.textContent).toContain('begins at the first row');
    expect(node.textContent).toContain('set by sam');
  });
});
