import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { AuthorityRecords, DockerAuthority } from '@bellows/operations/ports/docker-authority';
import { makeLogger } from '../http/logger.js';
import { DockerAuthorities } from './authorities.js';
import { DockerPort, type DockerPortOptions } from './docker-port.js';
import { PortCertificate } from './port-certificate.js';
import { namesOf } from './port-names.js';

const dayMs = 86_400_000;
const authorities = () => {
  const rows: DockerAuthority[] = [];
  const records: AuthorityRecords = {
    dockerAuthorities: () => Promise.resolve(rows),
    addDockerAuthority: (one) => Promise.resolve(void rows.push(one)),
  };
  return new DockerAuthorities(records, { now: () => Date.now() }, 'secret');
};

describe('the docker port', () => {
  let close: (() => unknown)[] = [];
  afterEach(() => {
    for (const one of close) one();
    close = [];
  });
  const port = (options: Partial<DockerPortOptions> | null) => {
    const all = options && { port: 0, byDefault: false, host: null, bind: '127.0.0.1', ...options };
    const made = new DockerPort(all, authorities(), async () => null, makeLogger('silent'));
    close.push(() => made.beforeApplicationShutdown());
    return made;
  };

  it('ends a handshake that does not come to an end', async () => {
    const number = (await port({ handshakeMs: 200 }).open())!;
    const hello = Buffer.from('160301020001000001fc0303', 'hex');
    const slow = connect({ port: number, host: '127.0.0.1' });
    const [began, closed] = [Date.now(), once(slow, 'close')];
    slow.on('error', () => undefined).resume();
    // A byte now and then buys no time.
    let at = 0;
    const drip = setInterval(() => slow.write(hello.subarray(at, ++at)), 50);
    close.push(() => clearInterval(drip));
    await closed;
    expect(Date.now() - began).toBeLessThan(2_000);
  });

  it('ends at a shutdown, and connections with it', async () => {
    const one = port({});
    const number = (await one.open())!;
    const socket = connect({ port: number, host: '127.0.0.1' });
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    one.beforeApplicationShutdown();
    await closed;
    const late = connect({ port: number, host: '127.0.0.1' });
    await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
    expect([one.port, one.endpoint('localhost')]).toEqual([null, null]);
  });

  it('is another one where the usual one is taken, and none where the chosen one is', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    close.push(() => taken.close());
    const { port: number } = taken.address() as AddressInfo;
    const other = await port({ port: number, byDefault: true }).open();
    expect(other).toBeGreaterThan(0);
    expect(other).not.toBe(number);
    await expect(port({ port: number }).open()).rejects.toThrow(/BELLOWS_DOCKER_PORT.*EADDRINUSE/);
  });

  it('is nowhere when it is switched off', async () => {
    const none = port(null);
    expect([await none.open(), none.endpoint('localhost')]).toEqual([null, null]);
  });

  it('is called as the operator says, else by its address, else as the caller knows it', async () => {
    const endpoint = async (options: Partial<DockerPortOptions>, called: string) => {
      const one = port(options);
      const number = await one.open();
      return one.endpoint(called)!.replace(`:${number}`, ':P');
    };
    expect(await endpoint({}, 'cloud.example')).toBe('tcp://127.0.0.1:P');
    expect(await endpoint({ host: 'cloud.example' }, 'localhost')).toBe('tcp://cloud.example:P');
    expect(await endpoint({ bind: '0.0.0.0' }, 'localhost')).toBe('tcp://localhost:P');
    expect(await endpoint({ bind: '::' }, '[::1]')).toBe('tcp://[::1]:P');
    expect(await endpoint({ bind: '0.0.0.0' }, 'evil.example')).not.toContain('evil');
  });
});

describe("the port's own certificate", () => {
  it('is made anew at half of its life, and when its names change', async () => {
    const kept = authorities();
    let names = namesOf({ bind: '127.0.0.1', host: null });
    const certificate = new PortCertificate(kept, () => names);
    const now = Date.now();
    const first = await certificate.renewed(now);
    expect(first?.cert).toContain('BEGIN CERTIFICATE');
    expect(await certificate.renewed(now + 3 * dayMs)).toBeNull();
    expect((await certificate.renewed(now + 4 * dayMs))?.cert).not.toBe(first?.cert);
    names = [...names, 'cloud.example'];
    expect(await certificate.renewed(now + 4 * dayMs)).not.toBeNull();
    expect(certificate.signers).toHaveLength(1);
  });
});
