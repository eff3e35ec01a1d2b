import { Widget } from '@lumino/widgets';

import { ApiError } from '../../api';
import type { FormDialog } from '../formDialog';
import { runDialog } from '../runDialog';
import { scheduleDialog } from '../scheduleDialog';
import {
  pass,
  settle,
  world,
  type IWorld
} from '../../components/__tests__/fakes';
import { pipeline } from '../../components/__tests__/values';

let w: IWorld;
let dialog: FormDialog<any, any>;

function finding(
  severity: string,
  message: string,
  unchecked: any[] = []
): any {
  return { severity, cell: 1, message, hint: '', kind: 'file', unchecked };
}

const NUMBER = {
  name: 'n',
  type: 'int',
  default: '10',
  origin: 'command',
  help: ''
};
const WRONG = new ApiError({
  message: "The parameter 'n' takes int, and got 'many'.",
  field: 'parameters.n'
});

async function runNow(...declared: any[]): Promise<void> {
  w.client.declared = { version: 4, declared, values: { day: '2026-01-01' } };
  dialog = runDialog({ context: w, pipeline: 'daily' });
  await settle(() => Widget.attach(dialog, document.body));
  await pass(100);
}

function press(key: string): Promise<void> {
  const init = { key, keyCode: 13, bubbles: true };
  return settle(() =>
    document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', init))
  );
}

async function write(field: string, text: string): Promise<void> {
  const input = find<HTMLInputElement>(`[aria-label="Value of ${field}"]`);
  const { set } = Object.getOwnPropertyDescriptor(
    HTMLInputElement.prototype,
    'value'
  )!;
  await settle(() => {
    set!.call(input, text);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

function find<T extends HTMLElement>(selector: string): T {
  return dialog.node.querySelector<T>(selector)!;
}

async function open(...findings: any[]): Promise<HTMLButtonElement> {
  w.client.notebookInfo = { ...w.client.notebookInfo, findings };
  dialog = scheduleDialog({ context: w, path: 'work/daily.ipynb' });
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

describe('ScheduleDialog on a conflict', () => {
  const TAKEN = new ApiError({
    message: "The pipeline 'other' publishes 'sales' already.",
    field: 'shared'
  });

  it('offers to share the name where it is refused', async () => {
    await open();
    expect(find('[type=checkbox]')).toBeNull();
    w.client.fail.deploy = TAKEN;
    await settle(() => dialog.resolve(1));
    await pass(1000);
    expect(dialog.node.textContent).toContain(TAKEN.message);
    await settle(() => find('[type=checkbox]').click());
    expect(dialog.node.textContent).not.toContain(TAKEN.message);
    await pass(1000);
    expect(find('.jp-EtlLine').textContent).toContain('"shared":true');
    delete w.client.fail.deploy;
    await settle(() => dialog.resolve(1));
    expect(w.client.requests.map(one => one.shared)).toEqual([false, true]);
  });

  it.each([
    [true, 0],
    [false, 1]
  ])('keeps what is shared, or takes it away: %p', async (keep, resets) => {
    const deployed = pipeline();
    deployed.policy.shared = true;
    w.client.notebookInfo = { ...w.client.notebookInfo, pipeline: deployed };
    await open();
    if (!keep) {
      await settle(() => find('[type=checkbox]').click());
    }
    await settle(() => dialog.resolve(1));
    const [request] = w.client.requests;
    expect(request.shared).toBe(keep);
    expect(request.reset).toHaveLength(resets);
  });

  it('says a wrong value under its own field', async () => {
    w.client.notebookInfo = { ...w.client.notebookInfo, parameters: [NUMBER] };
    await open();
    w.client.fail.deploy = WRONG;
    await settle(() => dialog.resolve(1));
    await pass(1000);
    const alerts = [...dialog.node.querySelectorAll('[role=alert]')];
    expect(alerts.map(one => one.closest('td') !== null)).toEqual([true]);
  });
});

describe('RunDialog', () => {
  it('runs what is deployed as soon as Enter is pressed', async () => {
    await runNow();
    expect(dialog.node.textContent).toContain('Runs version 4');
    expect(find('table')).toBeNull();
    expect(document.activeElement!.textContent).toBe('Run');
    await press('Enter');
    expect(w.client.calls).toContain('trigger daily');
    expect(w.client.requests).toEqual([{ parameters: {}, draft: false }]);
  });

  it('keeps the focus when something outside takes it', async () => {
    await runNow(NUMBER);
    const outside = document.body.appendChild(document.createElement('input'));
    const draft = find('[value=draft]');
    draft.focus();
    outside.focus();
    expect(document.activeElement).toBe(draft);
    const run = find<HTMLButtonElement>('button.jp-mod-accept');
    run.focus();
    run.disabled = true;
    outside.focus();
    expect(dialog.node.contains(document.activeElement)).toBe(true);
    outside.remove();
  });

  it('asks for typed parameters, and for live or draft', async () => {
    await runNow(NUMBER, { ...NUMBER, name: 'day', type: 'date' });
    const shown = [...dialog.node.querySelectorAll('input[type=text]')];
    expect(shown.map(one => (one as HTMLInputElement).placeholder)).toEqual([
      'default: 10',
      'deployed: 2026-01-01'
    ]);
    expect(document.activeElement).toBe(shown[0]);
    await write('n', '25');
    await settle(() => find('[value=draft]').click());
    await pass(1000);
    expect(find('.jp-EtlLine code').textContent).toBe(
      'jupyter etl trigger daily {"parameters":{"n":"25"},"draft":true}'
    );
    await press('Enter');
    expect(w.client.requests).toEqual([
      { parameters: { n: '25' }, draft: true }
    ]);
  });

  it('says a wrong value under its own field, until it is changed', async () => {
    await runNow(NUMBER);
    w.client.fail.trigger = WRONG;
    await write('n', 'many');
    await press('Enter');
    const invalid = find('[aria-invalid=true]');
    expect(invalid.getAttribute('aria-label')).toBe('Value of n');
    const note = document.getElementById(
      invalid.getAttribute('aria-describedby')!
    )!;
    expect(note.textContent).toBe(WRONG.message);
    expect(find('.jp-EtlNotice')).toBeNull();
    await write('n', '5');
    expect(find('[aria-invalid=true]')).toBeNull();
  });

  it('says what has no field below the form', async () => {
    await runNow(NUMBER);
    w.client.fail.trigger = new ApiError({ message: 'It is off.' });
    await settle(() => dialog.resolve(1));
    expect(find('.jp-EtlNotice').textContent).toContain('It is off.');
  });
});
