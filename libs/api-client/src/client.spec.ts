import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { client } from './client.js';
import { ProblemError } from './problem.js';
import { waitForOperation } from './wait.js';

type Reply = readonly [status: number, body: unknown, headers?: Record<string, string>];

/** A server that answers what the test lays out, and remembers what it was asked. */
let server: Server;
let replies: Reply[];
let asked: { url: string; authorization: string | undefined }[];
beforeEach(async () => {
  [replies, asked] = [[], []];
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    const [status, body, headers] = replies.shift() ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => void server.close());

const api = () =>
  client({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'bws_x' });

describe('the client', () => {
  it('sends the token and hands the data back', async () => {
    replies = [[200, { items: [], nextCursor: null }]];
    const { data } = await api().GET('/v1/instances', { params: { query: { limit: 5 } } });
    expect(data).toEqual({ items: [], nextCursor: null });
    expect(asked).toEqual([{ url: '/v1/instances?limit=5', authorization: 'Bearer bws_x' }]);
  });

  it('throws a problem with its code, its parameters and when to come back', async () => {
    const problem = {
      type: 't',
      title: 'Busy',
      status: 409,
      detail: 'At work.',
      code: 'busy',
      operationId: 'op-1',
    };
    replies = [[409, problem, { 'content-type': 'application/problem+json', 'retry-after': '5' }]];
    const error: unknown = await api()
      .GET('/v1/plans')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      code: 'busy',
      status: 409,
      message: 'At work.',
      retryAfterSeconds: 5,
      problem,
    });
  });

  it('makes a problem of an answer that is none', async () => {
    replies = [[502, '<h1>Bad Gateway</h1>']];
    await expect(api().GET('/v1/plans')).rejects.toMatchObject({ code: 'http-502', status: 502 });
  });
});

describe('waiting for an operation', () => {
  it('asks again until it has ended, and shows each state', async () => {
    replies = ['pending', 'running', 'succeeded'].map((state) => [200, { id: 'op-1', state }]);
    const seen: string[] = [];
    const operation = await waitForOperation(api(), 'op-1', {
      pollSeconds: 1,
      onProgress: ({ state }) => seen.push(state),
    });
    expect(operation.state).toBe('succeeded');
    expect(seen).toEqual(['pending', 'running', 'succeeded']);
    expect(asked.map(({ url }) => url)).toEqual(Array<string>(3).fill('/v1/operations/op-1?wait=1'));
  });

  it('gives up when its time is over', async () => {
    replies = [[200, { id: 'op-1', state: 'running' }]];
    expect((await waitForOperation(api(), 'op-1', { timeoutMs: 0 })).state).toBe('running');
  });
});
