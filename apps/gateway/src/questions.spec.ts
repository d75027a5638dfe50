import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { AskGateway } from '@bellows/engine/questions/ask-gateway';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { Gateway } from './gateway.js';

const secret = 'gateway-secret-of-the-tests';
const host = { id: 'h-00000000000000000000' as HostId, driver: 'sim', uri: 'sim:a' } as const;
const instanceId = 'i-00000000000000000000' as InstanceId;
const id = 'a'.repeat(64);
let [engine, gateway, url] = [null! as RecordingEngine, null! as Gateway, ''];
let pages: Record<string, unknown> = {};
const open = RecordingEngine.prototype.open;

beforeAll(async () => {
  engine = await RecordingEngine.start();
  gateway = new Gateway({ secret, streams: { open: () => engine.open(), close: async () => undefined } });
  url = await gateway.listen('127.0.0.1', 0);
});
afterAll(async () => {
  await gateway.close();
  await engine.close();
});
beforeEach(() => {
  engine.forget();
  engine.open = open;
  pages = {
    '/info': { NCPU: 2, MemTotal: 1_020_054_528, CgroupVersion: '2', Warnings: ['<script>'] },
    '/containers/json': [],
  };
  engine.serve = (asked, answer) => {
    const page = pages[asked.url!.split('?')[0]!];
    if (page === undefined) answer.writeHead(404).end('{}');
    else if (typeof page === 'function') (page as (to: ServerResponse) => void)(answer);
    else answer.end(typeof page === 'string' ? page : JSON.stringify(page));
  };
});

const asker = () => new AskGateway({ url, secret }, 'worker');
const machine = (withinMs = 5_000) => asker().machine(host, instanceId, withinMs);
const containers = (withinMs = 5_000) => asker().containers(host, instanceId, withinMs);
const listed = { Id: id, Names: ['/web'], State: 'running' };
const inspect = (HostConfig: unknown) => ({ Id: id, HostConfig });
const stats = (online: unknown) => ({ cpu_stats: { online_cpus: online } });

describe('asking an engine for its machine', () => {
  it('takes two streams where nothing runs, and brings back four facts', async () => {
    expect(await machine()).toEqual({ cpus: 2, memTotalMib: 972, cgroups: 2, container: null });
    expect(engine.seen.map((seen) => seen.url).sort()).toEqual(['/containers/json', '/info']);
    expect(engine.wires.join()).not.toMatch(/bellows|authorization|bearer/i);
  });

  it('takes the first running container without limits', async () => {
    const limited = 'b'.repeat(64);
    Object.assign(pages, {
      '/containers/json': [{ Id: limited, Names: ['/limited'] }, listed],
      [`/containers/${limited}/json`]: inspect({ NanoCpus: 1e9 }),
      [`/containers/${id}/json`]: inspect({ Memory: 0, NanoCpus: 0, CpusetCpus: '' }),
      [`/containers/${id}/stats`]: stats(2),
    });
    expect(await machine()).toMatchObject({ container: { name: 'web', cpus: 2 } });
  });

  it.each([
    ['not JSON', '{"NCPU":'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no figures', '{}'],
    ['figures as text', '{"NCPU":"2","MemTotal":"1"}'],
    ['a figure that no machine has', '{"NCPU":1e9,"MemTotal":1}'],
    ['less than nothing', '{"NCPU":-1,"MemTotal":1}'],
    ['not a number', '{"NCPU":2,"MemTotal":1e999}'],
    ['a deep document', '['.repeat(100_000)],
    ['a long document', `{"NCPU":2,"MemTotal":1,"x":"${'x'.repeat(300_000)}"}`],
  ])('is null for %s', async (_what, said) => {
    pages['/info'] = said;
    expect(await machine()).toBeNull();
  });

  it('is null, in time, for an engine that never ends, is away, or floods', async () => {
    const within = async (ms: number) => {
      const began = Date.now();
      expect(await machine(ms)).toBeNull();
      expect(Date.now() - began).toBeLessThan(ms + 2_000);
    };
    pages['/info'] = (answer: ServerResponse) => void answer.write('{"NCPU":');
    await within(300);
    pages['/info'] = (answer: ServerResponse) => {
      const flood = () =>
        void (answer.socket?.writable && answer.write('x'.repeat(65_536)) && setImmediate(flood));
      answer.on('drain', flood);
      flood();
    };
    await within(5_000);
    pages['/info'] = (answer: ServerResponse) => void answer.destroy();
    await within(5_000);
    engine.open = () => Promise.reject(new GuestUnreachableError('refused', 'no engine'));
    await within(5_000);
    engine.open = () => new Promise(() => undefined);
    await within(300);
    expect(
      await new AskGateway({ url: 'http://127.0.0.1:9', secret }, 'w').machine(host, instanceId, 300),
    ).toBeNull();
    expect(
      await new AskGateway({ url, secret: 'another-secret-than-that' }, 'w').machine(host, instanceId, 300),
    ).toBeNull();
  });

  it('leaves no stream open', async () => {
    pages['/containers/json'] = (answer: ServerResponse) => void answer.write('[');
    pages['/info'] = 'null';
    expect(await machine()).toBeNull();
    for (const until = Date.now() + 5_000; engine.sockets.size > 0 && Date.now() < until;)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(engine.sockets.size).toBe(0);
  });
});

describe('asking an engine for what its containers were promised', () => {
  it('reads limits in all their forms, and gives nameless containers their id', async () => {
    pages['/containers/json'] = [{ Id: id, Names: ['/<img src=x>'] }];
    pages[`/containers/${id}/json`] = inspect({
      Memory: 1536 * 1024 * 1024,
      NanoCpus: 0,
      CpuQuota: 50_000,
      CpuPeriod: 25_000,
      CpusetCpus: '0,2-3',
    });
    expect(await containers()).toEqual([{ id, name: 'aaaaaaaaaaaa', ramMib: 1536, cpus: 2, cpuset: 4 }]);
  });

  it('forgets those that have gone meanwhile, and believes no nonsense', async () => {
    pages['/containers/json'] = [listed];
    expect(await containers()).toEqual([]);
    pages[`/containers/${id}/json`] = inspect({ Memory: 'much' });
    expect(await containers()).toBeNull();
    pages['/containers/json'] = [{ Id: '../../info', Names: [] }];
    expect(await containers()).toBeNull();
    pages['/containers/json'] = Array.from({ length: 65 }, (_, i) => ({
      Id: i.toString(16).padStart(64, '0'),
    }));
    expect(await containers()).toBeNull();
  });

  it('gives up in time where each answer takes its time', async () => {
    pages['/containers/json'] = [listed];
    pages[`/containers/${id}/json`] = () => undefined;
    expect(await containers(200)).toBeNull();
  });
});
