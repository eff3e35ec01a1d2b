import * as React from 'react';

import type { IEndpoint } from '../../../api';
import {
  button,
  draw,
  erase,
  settle,
  world,
  type IWorld
} from '../../__tests__/fakes';
import { EndpointDetails } from '../endpointDetails';

function endpoint(changes: Partial<IEndpoint> = {}): IEndpoint {
  return {
    kind: 'function',
    answers: 'version 1',
    live: 1,
    versions: [2, 1],
    shadow: null,
    calls: 12,
    errors: 1,
    refused: 0,
    p50_ms: 3.5,
    p95_ms: 9,
    lines: {
      curl: "curl -d '{}' http://127.0.0.1:8787/functions/score",
      python: 'httpx.post(...)',
      promote: { '1': '', '2': 'jupyter etl promote score 2' }
    },
    ...changes
  };
}

describe('the details of an endpoint', () => {
  let w: IWorld;
  let changes: number;

  const details = async (changed: Partial<IEndpoint> = {}) =>
    draw(
      w,
      <EndpointDetails
        name="score"
        endpoint={endpoint(changed)}
        onChange={() => changes++}
      />
    );

  beforeEach(() => {
    w = world();
    changes = 0;
  });

  afterEach(async () => {
    await erase();
    w.model.dispose();
  });

  it('shows which version answers, and its calls', async () => {
    const node = await details();
    expect(node.textContent).toContain('version 1');
    expect(node.textContent).toContain('12 · 1 failed');
    expect(node.textContent).toContain('3.5 ms, p95 9 ms');
    const idle = await details({ calls: 0, errors: 0, p50_ms: null });
    expect(idle.textContent).not.toContain('ms');
  });

  it('copies lines that call it', async () => {
    const node = await details();
    await settle(() => button(node, 'Copy curl line: score').click());
    expect(w.opener.calls).toContainEqual(['copy', endpoint().lines.curl]);
  });

  it('promotes another version after a question, and looks again', async () => {
    const node = await details();
    expect(() => button(node, 'Promote v1: score')).toThrow();
    w.opener.sure = false;
    await settle(() => button(node, 'Promote v2: score').click());
    expect(w.client.calls).not.toContain('promote score 2');
    w.opener.sure = true;
    await settle(() => button(node, 'Promote v2: score').click());
    expect(w.client.calls).toContain('promote score 2');
    expect(changes).toBe(1);
  });
});
