import * as React from 'react';

import { ApiError } from '../../../api';
import { PanelView } from '../panelView';
import {
  button,
  draw,
  erase,
  pass,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';
import { pipeline, run } from '../../__tests__/values';

let w: IWorld;

async function panel(tab: any): Promise<HTMLElement> {
  w.model.tab = tab;
  w.model.watched = true;
  await settle(() => w.model.refresh());
  const node = await draw(w, <PanelView />);
  await settle();
  return node;
}

beforeEach(() => {
  w = world();
});

afterEach(async () => {
  await erase();
  w.model.dispose();
});

describe('PanelView', () => {
  it('moves between the tabs with arrows, Home and End', async () => {
    const node = await panel('pipelines');
    const selected = () =>
      node.querySelector('[role=tab][aria-selected=true]') as HTMLElement;
    const press = (key: string) =>
      settle(() =>
        selected().dispatchEvent(
          new KeyboardEvent('keydown', { key, bubbles: true })
        )
      );
    expect(selected().textContent).toContain('Pipelines');
    await press('ArrowRight');
    expect(selected().textContent).toContain('Runs');
    expect(document.activeElement).toBe(selected());
    await press('End');
    expect(selected().textContent).toContain('Published');
    await press('ArrowRight');
    expect(selected().textContent).toContain('Sources');
    await press('ArrowLeft');
    await press('Home');
    expect(selected().textContent).toContain('Sources');
  });

  it('asks for nothing but reading when it opens', async () => {
    w.client.lists.pipelines = [pipeline()];
    await panel('pipelines');
    expect(
      w.client.calls.every(line => /^(summary|pipelines)/.test(line))
    ).toBe(true);
  });

  it.each([
    ['sources', '%etl source'],
    ['pipelines', '%etl schedule'],
    ['runs', '%etl run'],
    ['published', '%etl publish table']
  ])('inserts a working cell from the empty %s', async (tab, text) => {
    const node = await panel(tab);
    await settle(() => button(node, 'Insert this cell').click());
    const [name, source] = w.opener.calls[0];
    expect(name).toBe('insertCell');
    expect(source).toContain('%load_ext jupyter_etl');
    expect(source).toContain(text);
  });

  it('says how to start a scheduler when none is alive', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, schedulers: [] };
    const node = await panel('pipelines');
    expect(node.textContent).toContain('jupyter etl up');
  });

  it('starts a scheduler when none is alive, and waits until it is', async () => {
    const alive = w.client.summaryValue;
    w.client.summaryValue = { ...alive, schedulers: [] };
    const node = await panel('pipelines');
    await settle(() => button(node, 'Start scheduler').click());
    expect(w.client.calls).toContain('startScheduler');
    const starting = button(node, 'Starting…');
    expect(starting.disabled).toBe(true);
    w.client.summaryValue = alive;
    await pass(2000);
    expect(node.textContent).not.toContain('No scheduler is running');
  });

  it('says why no scheduler could be started', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, schedulers: [] };
    w.client.fail.startScheduler = new ApiError({ message: 'Not allowed.' });
    const node = await panel('pipelines');
    await settle(() => button(node, 'Start scheduler').click());
    expect(node.querySelector('[role=alert]')!.textContent).toBe(
      'Not allowed.'
    );
    expect(button(node, 'Start scheduler').disabled).toBe(false);
  });

  it.each(['sources', 'pipelines', 'runs', 'published'])(
    'says once that the server is down, above the %s',
    async tab => {
      w.client.lists.runs = [run({ state: 'failed' })];
      const node = await panel(tab);
      if (tab === 'runs') {
        await settle(() =>
          (node.querySelector('.jp-EtlRow-head') as HTMLElement).click()
        );
      }
      const down = () => new ApiError({ message: 'It does not answer.' });
      for (const name of [
        'summary',
        'sources',
        'pipelines',
        'runs',
        'run',
        'publications',
        'holds'
      ]) {
        w.client.fail[name] = down();
      }
      await settle(() => w.model.refresh());
      await settle();
      expect(node.textContent!.split('It does not answer.').length).toBe(2);
      w.client.fail = {};
      await settle(() => button(node, 'Try again').click());
      await settle();
      expect(node.querySelector('[role=alert]')).toBeNull();
    }
  );

  it('shows an error in place, with its hint and a way to try again', async () => {
    w.client.fail.runs = new ApiError({
      message: 'The ledger cannot be reached.',
      hint: 'Run jupyter etl doctor.'
    });
    const node = await panel('runs');
    const alert = node.querySelector('[role=alert]') as HTMLElement;
    expect(alert.textContent).toContain('The ledger cannot be reached.');
    expect(alert.textContent).toContain('Run jupyter etl doctor.');
    w.client.fail = {};
    w.client.lists.runs = [run()];
    await settle(() => button(alert, 'Try again').click());
    expect(node.querySelector('[data-name="42"]')).not.toBeNull();
  });
});

describe('the count of the runs', () => {
  const count = (node: HTMLElement) =>
    node.querySelector('#jp-etl-tab-runs')!.textContent;

  it('is that of the list, filtered or not', async () => {
    w.client.summaryValue = { ...w.client.summaryValue, runs: 3 };
    w.client.lists.runs = [run(), run({ id: 41 }), run({ id: 40 })];
    const node = await panel('pipelines');
    expect(count(node)).toContain('3');
    await settle(() => {
      w.model.tab = 'runs';
    });
    expect(count(node)).toContain('3');
    w.client.lists.runs = [run()];
    await settle(() => w.model.filterRuns({ state: 'failed' }));
    expect(count(node)).toContain('1');
    await settle(() => {
      w.model.tab = 'pipelines';
    });
    expect(count(node)).toContain('1');
  });

  it('has a filter for all that is in progress', async () => {
    const node = await panel('runs');
    const input = node.querySelector(
      'input[value="queued,dispatched,running"]'
    ) as HTMLInputElement;
    await settle(() => input.click());
    expect(w.client.calls.join()).toContain('queued,dispatched,running');
  });
});
