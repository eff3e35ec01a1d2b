import { ApiError } from '../../api';
import {
  pass,
  settle,
  world,
  type IWorld
} from '../../components/__tests__/fakes';
import { run } from '../../components/__tests__/values';
import { parseRunEvent, RUN_EVENT_SCHEMA } from '../events';
import { PagedList } from '../pagedList';

const GRACE_MS = 8000;

let w: IWorld;

beforeEach(() => {
  w = world({ graceMs: GRACE_MS });
});

afterEach(() => w.model.dispose());

describe('EtlModel', () => {
  it('fetches the list in front only while it is watched', async () => {
    w.model.tab = 'runs';
    await settle(() => w.model.refresh());
    expect(w.client.calls.filter(line => line.startsWith('runs'))).toEqual([]);
    w.model.watched = true;
    await settle(() => w.model.refresh());
    expect(
      w.client.calls.filter(line => line.startsWith('runs')).length
    ).toBeGreaterThan(0);
  });

  it('fetches again within a second of an event', async () => {
    await settle(() => w.model.refresh());
    const before = w.client.calls.length;
    for (let cell = 0; cell < 5; cell++) {
      w.emit({ schema_id: RUN_EVENT_SCHEMA, run: 1, state: 'running', cell });
    }
    expect(w.client.calls).toHaveLength(before);
    await pass(1000);
    expect(w.client.calls.slice(before)).toEqual(['summary']);
  });

  it('keeps the error of an action until it is dismissed', async () => {
    w.client.fail.pause = new ApiError({ message: 'no' });
    await settle(() => w.model.pause('daily'));
    expect(w.model.problem('pipeline:daily')!.message).toBe('no');
    w.model.dismiss('pipeline:daily');
    expect(w.model.problem('pipeline:daily')).toBeNull();
  });

  it('unschedules after the grace time', async () => {
    w.model.unschedule('daily');
    expect(w.model.unscheduleAt('daily')).not.toBeNull();
    await pass(GRACE_MS - 1);
    expect(w.client.calls).not.toContain('unschedule daily');
    await pass(1);
    expect(w.client.calls).toContain('unschedule daily');
  });

  it('unschedules nothing once it is disposed', async () => {
    w.model.unschedule('daily');
    w.model.dispose();
    await pass(2 * GRACE_MS);
    expect(w.client.calls).not.toContain('unschedule daily');
  });

  it('keeps the last summary when the server is not reached', async () => {
    await settle(() => w.model.refresh());
    w.client.fail.summary = new ApiError({ message: 'down' });
    await settle(() => w.model.refresh());
    expect(w.model.summary).not.toBeNull();
    expect(w.model.summaryError!.message).toBe('down');
  });

  it('hears nothing after it is disposed', () => {
    const heard: unknown[] = [];
    w.model.runChanged.connect((_, event) => heard.push(event));
    w.model.dispose();
    w.emit({ schema_id: RUN_EVENT_SCHEMA, run: 1, state: 'running' });
    expect(heard).toEqual([]);
  });
});

describe('PagedList', () => {
  const list = (pages: any[][]) =>
    new PagedList<any>({
      fetch: async () => {
        const items = pages.shift()!;
        return { items, total: 99 };
      },
      key: item => item.id,
      changed: () => undefined
    });

  it('keeps the objects that did not change', async () => {
    const runs = list([
      [run({ id: 1 }), run({ id: 2 })],
      [run({ id: 1 }), run({ id: 2, cell: 9 })]
    ]);
    await runs.refresh();
    const [one, two] = runs.items;
    await runs.refresh();
    expect(runs.items[0]).toBe(one);
    expect(runs.items[1]).not.toBe(two);
  });

  it('shows a row once that moved between two pages', async () => {
    const runs = list([
      [{ id: 1 }, { id: 2 }],
      [{ id: 2 }, { id: 3 }]
    ]);
    await runs.refresh();
    await runs.more();
    expect(runs.items.map(item => item.id)).toEqual([1, 2, 3]);
  });

  it('lets no older answer replace a newer one', async () => {
    const open: ((page: any) => void)[] = [];
    const runs = new PagedList<any>({
      fetch: () => new Promise(done => open.push(done)),
      key: item => item.id,
      changed: () => undefined
    });
    const first = runs.refresh();
    const second = runs.refresh();
    open[1]({ items: [{ id: 'new' }], total: 1 });
    open[0]({ items: [{ id: 'old' }], total: 1 });
    await Promise.all([first, second]);
    expect(runs.items.map(item => item.id)).toEqual(['new']);
  });
});

describe('parseRunEvent', () => {
  it('reads only events about runs', () => {
    expect(parseRunEvent({ schema_id: 'other', run: 1 })).toBeNull();
    expect(parseRunEvent({ schema_id: RUN_EVENT_SCHEMA })).toBeNull();
    expect(
      parseRunEvent({ schema_id: RUN_EVENT_SCHEMA, run: 4, state: 'failed' })
    ).toMatchObject({ run: 4, state: 'failed', cell: null });
  });
});
