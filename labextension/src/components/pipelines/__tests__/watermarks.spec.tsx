import * as React from 'react';

import { Watermarks } from '../../pipelines/watermarks';
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
        at: '2026-02-09T06:00:00Z',
        lines: { reset: 'jupyter etl watermark daily trips --since id --reset' }
      }
    ];
    const node = await draw(w, <Watermarks pipeline="daily" lastRun="" />);
    await settle();
    expect(node.textContent).toContain('trips.id up to 42');
    w.opener.sure = false;
    await settle(() => button(node, 'Reset: trips id').click());
    expect(w.client.calls).not.toContain('reset trips id');
    w.opener.sure = true;
    w.client.marks = [{ ...w.client.marks[0], value: null, run: null }];
    await settle(() => button(node, 'Reset: trips id').click());
    expect(w.client.calls).toContain('reset trips id');
    expect(node.textContent).toContain('starts at the first row');
    expect(node.textContent).toContain('set by sam');
  });
});
