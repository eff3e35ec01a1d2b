import { ServerConnection } from '@jupyterlab/services';

import { EtlClient } from '../client';
import { ApiError } from '../error';

interface IRequest {
  url: string;
  method: string;
  type: string | null;
  body: string;
}

function client(answer: () => Response): [EtlClient, IRequest[]] {
  const calls: IRequest[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/user/someone/',
    fetch: (async (request: Request) => {
      calls.push({
        url: request.url,
        method: request.method,
        type: request.headers.get('Content-Type'),
        body: request.method === 'POST' ? await request.text() : ''
      });
      return answer();
    }) as any
  });
  return [new EtlClient(settings), calls];
}

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status });

describe('EtlClient', () => {
  it('stays below the base URL and escapes names', async () => {
    const [etl, calls] = client(() => json({}));
    await etl.publication('a/b c');
    expect(calls[0].url).toMatch(
      /^http:\/\/localhost\/user\/someone\/etl\/v1\/publications\/a%2Fb%20c/
    );
  });

  it('leaves out what is not asked for', async () => {
    const [etl, calls] = client(() => json({ items: [], total: 0 }));
    await etl.runs({ pipeline: '', state: 'failed', limit: 5, offset: 0 });
    const url = new URL(calls[0].url);
    expect(url.searchParams.has('pipeline')).toBe(false);
    expect(url.searchParams.get('state')).toBe('failed');
    expect(url.searchParams.get('limit')).toBe('5');
    expect(url.searchParams.get('offset')).toBe('0');
  });

  it('sends the parameters of a run', async () => {
    const [etl, calls] = client(() => json({}));
    const request = { parameters: { day: '2026-01-01' }, draft: true };
    await etl.trigger('daily', request);
    expect(calls[0].method).toBe('POST');
    // The server takes nothing else, so that no form of another page can send it.
    expect(calls[0].type).toBe('application/json');
    expect(JSON.parse(calls[0].body)).toEqual(request);
  });

  it('raises what the server says, with its hint', async () => {
    const [etl] = client(() =>
      json(
        { error: { type: 'NotFound', message: 'No run 7.', hint: 'Look.' } },
        404
      )
    );
    await expect(etl.run(7)).rejects.toMatchObject({
      message: 'No run 7.',
      hint: 'Look.',
      type: 'NotFound',
      status: 404
    });
  });

  it('says the status of an answer that is no JSON', async () => {
    const [etl] = client(
      () => new Response('<html>', { status: 502, statusText: 'Bad Gateway' })
    );
    const error = await etl.summary().catch(reason => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error.message).toBe('502 Bad Gateway');
  });
});
