import { Widget } from '@lumino/widgets';

import { ApiError } from '../../api';
import { ScheduleDialog } from '../../panels/scheduleDialog';
import { pass, settle, world, type IWorld } from './fakes';

let w: IWorld;
let dialog: ScheduleDialog;

function finding(
  severity: string,
  message: string,
  unchecked: any[] = []
): any {
  return { severity, cell: 1, message, hint: '', kind: 'file', unchecked };
}

async function open(...findings: any[]): Promise<HTMLButtonElement> {
  w.client.notebookInfo = { ...w.client.notebookInfo, findings };
  dialog = new ScheduleDialog({ context: w, path: 'work/daily.ipynb' });
  await settle(() => Widget.attach(dialog, document.body));
  await pass(1000);
  return dialog.node.querySelector<HTMLButtonElement>('button.jp-mod-accept')!;
}

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await settle(() => dialog.dispose());
  w.model.dispose();
});

describe('ScheduleDialog', () => {
  it('deploys what preflight has nothing against', async () => {
    const button = await open(finding('warning', 'It may surprise.'));
    expect(button.textContent).toContain('Deploy');
    expect(button.textContent).not.toContain('anyway');
    await settle(() => dialog.resolve(1));
    expect(w.client.requests.map(one => one.anyway)).toEqual([false]);
  });

  it('shows what would fail, and deploys it only anyway', async () => {
    const button = await open(finding('error', 'It reads gone.csv.'));
    expect(dialog.node.textContent).toContain('It reads gone.csv.');
    expect(button.textContent).toContain('Deploy anyway');
    await settle(() => dialog.resolve(1));
    expect(w.client.requests.map(one => one.anyway)).toEqual([true]);
  });

  it('asks preflight again when the server has found more', async () => {
    const button = await open();
    w.client.fail.deploy = new ApiError({ message: 'It would fail in a run.' });
    w.client.notebookInfo = {
      ...w.client.notebookInfo,
      findings: [finding('error', 'It reads gone.csv.')]
    };
    await settle(() => dialog.resolve(1));
    await pass(1000);
    expect(dialog.node.textContent).toContain('It would fail in a run.');
    expect(dialog.node.textContent).toContain('It reads gone.csv.');
    expect(button.textContent).toContain('Deploy anyway');
  });

  it('says how many cells could not be checked', async () => {
    await open(finding('info', 'A path is computed.', [1, 3]));
    expect(dialog.node.textContent).toContain('2 cells could not be checked.');
  });
});
