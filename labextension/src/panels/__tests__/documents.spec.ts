import { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';

import { world, type IWorld } from '../../components/__tests__/fakes';
import { run } from '../../components/__tests__/values';
import { addDocuments } from '../../documents';
import { CommandIDs } from '../../ids';

let w: IWorld;

beforeEach(() => {
  w = world();
  w.client.lists.runs = [run()];
});

afterEach(() => {
  w.model.dispose();
});

/** Open a document in an application, and return it with the area that it is in. */
async function open(
  hasTabs: boolean,
  command: string,
  args: any
): Promise<[Widget, string]> {
  const added: [Widget, string][] = [];
  const commands = new CommandRegistry();
  const shell = {
    add: (widget: Widget, area: string) => added.push([widget, area]),
    activateById: () => undefined
  };
  addDocuments({
    app: { commands, shell } as any,
    context: w,
    restorer: null,
    hasTabs
  });
  await commands.execute(command, args);
  expect(added.length).toBe(1);
  return added[0];
}

const DOCUMENTS: [string, any, string, string][] = [
  [CommandIDs.openLog, { id: 42 }, 'Log: daily #42', 'Log of run 42 of daily'],
  [
    CommandIDs.preview,
    { kind: 'source', name: 'wh', table: 'orders' },
    'wh.orders',
    'First rows of wh.orders'
  ],
  [
    CommandIDs.preview,
    { kind: 'publication', name: 'sales', draft: true },
    'sales (draft)',
    'First rows of sales'
  ],
  [CommandIDs.openReport, { name: 'City' }, 'City', 'Report City'],
  [
    CommandIDs.openReport,
    { name: 'City', version: 3 },
    'City v3',
    'Report City v3'
  ],
  [
    CommandIDs.openReport,
    { name: 'City', draft: true },
    'City (draft)',
    'Report City (draft)'
  ],
  [CommandIDs.openPublication, { name: 'sales' }, 'sales', 'Publication sales']
];

describe('documents', () => {
  it.each(DOCUMENTS)(
    '%s %j is titled by what it shows',
    async (command, args, label, caption) => {
      const [widget] = await open(true, command, args);
      expect(widget.title.label).toBe(label);
      expect(widget.title.caption).toBe(caption);
      widget.dispose();
    }
  );

  it.each(DOCUMENTS)(
    '%s %j opens where the application takes it',
    async (command, args) => {
      for (const [hasTabs, expected] of [
        [true, 'main'],
        [false, 'down']
      ] as const) {
        const [widget, area] = await open(hasTabs, command, args);
        expect(area).toBe(expected);
        widget.dispose();
      }
    }
  );

  it('opens the log of a run that cannot be asked for', async () => {
    w.client.fail.run = new Error('There is no run 7.') as any;
    const [widget] = await open(true, CommandIDs.openLog, { id: 7 });
    expect(widget.title.label).toBe('Log: #7');
    widget.dispose();
  });
});
