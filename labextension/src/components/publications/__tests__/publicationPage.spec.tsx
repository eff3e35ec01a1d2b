import * as React from 'react';

import { PublicationPage } from '../../publications/publicationPage';
import {
  button,
  draw,
  erase,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';

let w: IWorld;

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
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
  lines: {
    python: `etl.read("sales.daily", version=${number})`,
    diff: `jupyter etl diff sales.daily ${number - 1} ${number}`,
    rollback: `jupyter etl rollback sales.daily --to ${number}`
  },
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
      lines: {
        python: 'etl.read("sales.daily")',
        preview: '%etl preview sales.daily',
        read: 'jupyter etl read sales.daily',
        history: '%etl history sales.daily'
      },
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
    expect(lines[2]).toContain('pruned on');
    await settle(() => button(node, 'Copy: Spark').click());
    expect(w.opener.calls).toContainEqual(['copy', 'spark.read']);
  });

  it('goes back to an old version after a question, and looks again', async () => {
    const node = await page();
    expect(() => button(node, 'Roll back: sales.daily v3')).toThrow();
    expect(() => button(node, 'Roll back: sales.daily v1')).toThrow();
    const asked = () =>
      w.client.calls.filter(line => line === 'publication sales.daily').length;
    const before = asked();
    w.opener.sure = false;
    await settle(() => button(node, 'Roll back: sales.daily v2').click());
    expect(w.client.calls).not.toContain('rollback sales.daily 2');
    w.opener.sure = true;
    await settle(() => button(node, 'Roll back: sales.daily v2').click());
    expect(w.client.calls).toContain('rollback sales.daily 2');
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
      button(node, 'Compare: sales.daily v3 with the previous version').click()
    );
    expect(w.client.calls).toContain('diff sales.daily 2 3');
    // The result stands below what may be a long history.
    expect(shown).toEqual(['Compare']);
    expect(node.querySelector('.jp-EtlDifference')!.textContent).toContain(
      'Column delay'
    );
    expect(node.textContent).toContain('The table has no key');
  });
});
