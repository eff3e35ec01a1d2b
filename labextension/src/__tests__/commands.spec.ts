import { CommandRegistry } from '@lumino/commands';

import { addCommands } from '../commands';
import { world } from '../components/__tests__/fakes';
import { CommandIDs } from '../ids';

jest.mock('@jupyterlab/notebook', () => ({
  NotebookActions: { insertBelow: jest.fn() }
}));

/** A notebook whose cell is there once its file has been loaded. */
function notebook(path: string) {
  let load = () => undefined as void;
  const cell = { source: '' };
  const model = {
    type: 'code',
    sharedModel: {
      getSource: () => cell.source,
      setSource: (source: string) => {
        cell.source = source;
      }
    }
  };
  const content: any = { activeCell: null };
  const ready = new Promise<void>(done => {
    load = () => {
      content.activeCell = { model };
      done();
    };
  });
  return { cell, load, panel: { id: path, context: { path, ready }, content } };
}

function application(panel: any, current: any) {
  const context = world();
  const app: any = {
    commands: new CommandRegistry(),
    shell: { currentWidget: panel, activateById: jest.fn() }
  };
  const notebooks: any = {
    currentWidget: current,
    currentChanged: { connect: () => undefined },
    find: (matches: (item: any) => boolean) => [panel].find(matches)
  };
  addCommands({ app, context, notebooks, files: null, sidebar: 'etl' });
  return { app, context };
}

describe('insert-cell', () => {
  it('waits for the notebook in front, which the tracker may not know yet', async () => {
    const { cell, load, panel } = notebook('a.ipynb');
    const { app, context } = application(panel, null);
    const source = '%etl status';
    const done = app.commands.execute(CommandIDs.insertCell, { source });
    load();
    await done;
    expect(cell.source).toBe('%etl status');
    expect(context.opener.calls).toEqual([]);
    expect(app.shell.activateById).toHaveBeenCalledWith('a.ipynb');
    context.model.dispose();
  });

  it('copies the cell where an executed notebook is in front', async () => {
    const { cell, panel } = notebook('etl-run:42.ipynb');
    const { app, context } = application(panel, panel);
    await app.commands.execute(CommandIDs.insertCell, { source: '%etl' });
    expect(context.opener.calls).toEqual([['copy', '%etl']]);
    expect(cell.source).toBe('');
    context.model.dispose();
  });
});
