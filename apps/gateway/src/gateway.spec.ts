import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { passageHeaders, type Passage } from '@bellows/engine/proxy/passage';
import { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { Gateway } from './gateway.js';
import { Slots } from './slots.js';

const secret = 'gateway-secret-of-the-tests';
const passage: Passage = {
  host: { id: 'h-00000000000000000000' as HostId, driver: 'sim', uri: 'sim:a' },
  instanceId: 'i-00000000000000000000' as InstanceId,
  principal: 'tok-1',
};
let [engine, gateway, url] = [null! as RecordingEngine, null! as Gateway, ''];
beforeEach(async () => {
  engine = await RecordingEngine.start();
  gateway = new Gateway({ secret, streams: engine, log: () => undefined });
  url = await gateway.listen('127.0.0.1', 0);
});
afterEach(async () => {
  await gateway.close();
  await engine.close();
});
const ask = async (path: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(url + path, { headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};
const allowed = Object.fromEntries(passageHeaders(passage, secret));

describe('the gateway', () => {
  it('carries what the API has authorised, and none of what the API told it goes along', async () => {
    expect(await ask('/v1.45/info', allowed)).toMatchObject({ status: 200, body: { ok: true } });
    expect(engine.wires.join()).toMatch(/^GET \/v1\.45\/info HTTP\/1\.1\r\n/);
    expect(engine.wires.join()).not.toMatch(/bellows|authorization|bearer|i-0000/i);
  });

  it('answers nobody without the secret, but for its health and figures', async () => {
    expect((await ask('/info')).status).toBe(401);
    expect(
      (await ask('/info', { ...allowed, Authorization: 'Bearer gateway-secret-of-others' })).status,
    ).toBe(401);
    expect((await ask('/info', { Authorization: `Bearer ${secret}` })).status).toBe(400);
    expect((await ask('/info', { ...allowed, 'x-bellows-passage': 'e30' })).status).toBe(400);
    expect(await ask('/healthz')).toEqual({ status: 200, body: { ok: true } });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('bellows_gateway_exchanges_open 0');
    expect(metrics).toContain('bellows_gateway_refused_total{code="unauthorized"} 2');
    expect(engine.seen).toEqual([]);
  });

  it('cleans once more: it does not rely on who asks', async () => {
    for (const path of ['/a%5cb', '/a%2fb', '/a//b']) expect((await ask(path, allowed)).status).toBe(400);
    expect(engine.seen).toEqual([]);
  });

  it.each([
    ['not-running', 409, 'wrong-state'],
    ['silent', 502, 'engine-unreachable'],
    ['refused', 502, 'engine-unreachable'],
    ['too-many', 429, 'rate-limited'],
  ] as const)('says of a guest that is %s: %d', async (reason, status, code) => {
    engine.open = () => Promise.reject(new GuestUnreachableError(reason, 'x'));
    expect(await ask('/info', allowed)).toMatchObject({
      status,
      body: { code, message: expect.any(String) },
    });
  });

  it('says 503 when the server itself cannot be reached', async () => {
    engine.open = () => Promise.reject(new Error('ECONNREFUSED /run/secret/path'));
    const { status, body } = await ask('/info', allowed);
    expect([status, body['code']]).toEqual([503, 'unavailable']);
    expect(JSON.stringify(body)).not.toContain('/run/secret');
  });

  it('cuts what is open when it ends', async () => {
    engine.serve = (_asked, answer) => void answer.writeHead(200).write('tick');
    const cut = new Promise<void>((resolve) => {
      const asked = request(`${url}/events`, { headers: allowed }, (answer) => {
        answer.once('data', () => void gateway.close());
        answer.on('error', () => resolve());
      });
      asked.on('error', () => resolve()).end();
    });
    await cut;
  });
});

describe('slots', () => {
  it('are so many for an instance and for a principal, and come back once', () => {
    const slots = new Slots({ perInstance: 2, perPrincipal: 3 });
    const first = slots.take('i-1', 'tok-1') as () => void;
    expect(typeof slots.take('i-1', 'tok-1')).toBe('function');
    expect(slots.take('i-1', 'tok-2')).toMatch(/one container engine/);
    expect(typeof slots.take('i-2', 'tok-1')).toBe('function');
    expect(slots.take('i-2', 'tok-1')).toMatch(/one token/);
    first();
    first();
    expect(typeof slots.take('i-1', 'tok-2')).toBe('function');
    expect(slots.take('i-1', 'tok-3')).toMatch(/one container engine/);
  });
});
