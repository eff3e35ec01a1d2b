import * as React from 'react';

import { ApiError } from '../../../api';
import { PreviewView } from '../../../panels/preview';
import { PanelView } from '../../panel/panelView';
import {
  button,
  draw,
  erase,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';
import { difference, run } from '../../__tests__/values';

const HOLD = {
  run: 42,
  names: ['sales.daily'],
  owner: 'sam',
  held_at: '2026-02-09T06:00:00Z',
  held_by: ['gate'],
  outputs: [{ name: 'sales.daily', kind: 'table', mode: 'replace', rows: 3 }],
  checks: [],
  differences: [difference()],
  lines: {
    show: 'jupyter etl held 42',
    approve: 'jupyter etl approve 42',
    reject: 'jupyter etl reject 42'
  }
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
    expect(w.client.calls).not.toContain('approve 42');
    w.opener.sure = true;
    await settle(() => button(card, 'Approve: #42').click());
    expect(w.client.calls).toContain('approve 42');
    expect(w.opener.calls.pop()[2]).toContain('approved by sam');
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
        expect(w.opener.calls.pop()).toEqual([
          'preview',
          { kind: 'publication', name: 'sales.daily', held: 42 }
        ]);
      }
      w.opener.sure = true;
      await settle(() => button(card, 'Reject: #42').click());
      await settle(() => button(card, 'Approve: #42').click());
      expect(w.client.calls).toContain('reject 42');
      expect(w.client.calls).toContain('approve 42');
      expect(w.opener.calls.pop()![2]).toContain('approved by sam');
    }
  );

  it('is previewed by the rows that its run has staged', async () => {
    const target = { kind: 'publication', name: 'sales.daily', held: 42 };
    const node = await draw(w, <PreviewView target={target as any} />);
    await settle();
    expect(w.client.calls).toContain('rows of sales.daily #42');
    expect(node.querySelector('h2')!.textContent).toBe('sales.daily #42');
    expect(node.querySelector('code')!.textContent).toBe('jupyter etl held 42');
  });

  it('goes away once it is decided', async () => {
    const node = await panel('published');
    w.client.lists.holds = [];
    await settle(() => button(node, 'Reject: #42').click());
    expect(w.client.calls).toContain('reject 42');
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

  it('stands first among the runs, with the decision in its details', async () => {
    const node = await panel('runs');
    expect(node.querySelector('.jp-EtlGroup-title')!.textContent).toBe(
      'Pending approval · 1'
    );
    await settle(() => {
      w.model.openRun = 42;
    });
    expect(button(node, 'Approve: #42')).toBeDefined();
    expect(node.querySelector('.jp-EtlFailure')).toBeNull();
  });
});
