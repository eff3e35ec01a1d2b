import * as React from 'react';

import { DataTable } from '../../shared/dataTable';
import { draw, erase, world, type IWorld } from '../../__tests__/fakes';

let w: IWorld;

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

describe('DataTable', () => {
  it('says how many rows of how many, and what is missing', async () => {
    const node = await draw(
      w,
      <DataTable
        label="t"
        preview={{
          columns: [{ name: 'n', type: 'int64' }],
          rows: [[1], [null]],
          total_rows: 336776,
          line: ''
        }}
      />
    );
    expect(node.textContent).toContain('Showing 2 of 336,776 rows');
    expect(node.querySelector('.jp-EtlData-null')!.textContent).toBe('null');
    expect(node.querySelector('td')!.className).toBe('jp-mod-number');
  });
});
