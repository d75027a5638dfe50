import { randomBytes, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { idSource, type HostId } from '@bellows/domain/ids';
import { fileNode, tarOf } from '@bellows/engine/sim/files/tar-write';
import { elasticSpec } from '@bellows/hypervisor/libvirt/guest-spec.fixture';
import { LibvirtGuestStreams } from '@bellows/hypervisor/libvirt/guest-stream/libvirt-guest-streams';
import { LibvirtDriver } from '@bellows/hypervisor/libvirt/libvirt-driver';
import { RegistryBench } from './registry-bench.fixture.js';

const uri = process.env['BELLOWS_TEST_LIBVIRT_URI'] ?? 'qemu:///system';
const host = { id: 'h-registry' as HostId, driver: 'libvirt', uri } as const;
const instanceId = idSource((count) => randomBytes(count))('instance');
const facts = JSON.parse(await readFile('/etc/bellows/host.json', 'utf8')) as {
  privateGateway: string;
  registryPort?: number;
};
const address = `${facts.privateGateway}:${facts.registryPort ?? 5000}`;
const admin = 'bws_admin_of_the_tests_0123456789';
const bootMs = 240_000;
const fence = () => ({ controllerId: 'registry-suite', instanceId, token: 1, deadline: Date.now() + 60_000 });

let bench: RegistryBench;
let driver: LibvirtDriver;
const streams = new LibvirtGuestStreams();

beforeAll(async () => {
  bench = await RegistryBench.start({
    // Loopback's own port may be another's.
    BELLOWS_REGISTRY_BIND: `127.0.0.77,${facts.privateGateway}`,
    BELLOWS_REGISTRY_PORT: String(facts.registryPort ?? 5000),
  });
  const authority = await readFile(bench.running.authorityFile, 'utf8');
  driver = new LibvirtDriver({ registry: { address, authority } });
  const spec = elasticSpec(instanceId, randomInt(1, 0xfffe));
  await driver.ensureVolumes(host, fence(), spec);
  await driver.ensureStarted(host, fence(), spec);
}, 120_000);

afterAll(async () => {
  await streams.close();
  await driver.ensureAbsent(host, fence());
  await driver.close();
  await bench.close();
}, 120_000);

/** One call of the guest's engine. @param login of the registry, as docker clients send it. */
async function engine(method: string, path: string, login?: object): Promise<string> {
  const stream = await streams.open(host, instanceId, 'docker');
  stream.on('error', () => undefined);
  // As docker clients write it: URL-safe, and padded, without which dockerd takes it for none.
  const auth = Buffer.from(JSON.stringify(login ?? {}))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  return new Promise((resolve, reject) => {
    const headers = { host: 'docker', 'x-registry-auth': auth, 'content-length': '0' };
    const createConnection = () => stream as Socket;
    const call = request({ method, path, headers, createConnection }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve(`${answer.statusCode} ${text}`)).on('error', reject);
    });
    // Not the call's own time-out: a stream into a guest is no socket and has none.
    const late = setTimeout(() => stream.destroy(new Error('the engine does not answer')), 120_000);
    call
      .on('error', reject)
      .on('close', () => clearTimeout(late))
      .end();
  });
}

async function untilReady(): Promise<void> {
  let last: unknown;
  for (const until = Date.now() + bootMs; Date.now() < until; await sleep(1_000)) {
    try {
      last = await engine('GET', '/_ping');
      if (last === '200 OK') return;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`the engine never answered: ${String(last)}`);
}

it(
  'a guest pulls base images and pushes its own, and nobody has configured it',
  async () => {
    const { layout } = await bench.image(0, tarOf([['hello', fileNode(randomBytes(10_000), 0o755)]]));
    expect(await bench.push(layout, 'library/hello:1', admin)).toMatchObject({ ok: true });
    const shop = await bench.api.project('shop of a guest');
    const login = { username: 'x', password: await shop.token('member'), serveraddress: address };
    await untilReady();
    const pulled = await engine('POST', `/v1.45/images/create?fromImage=${address}/library/hello&tag=1`);
    expect(pulled).toMatch(/^200 [^]*Downloaded newer image/);
    const own = `${address}/${shop.id}/hello`;
    expect(await engine('POST', `/v1.45/images/${address}/library/hello:1/tag?repo=${own}&tag=2`)).toMatch(
      /^201/,
    );
    expect(await engine('POST', `/v1.45/images/${own}/push?tag=2`)).toMatch(
      /denied|unauthorized|authentication/,
    );
    expect(await engine('POST', `/v1.45/images/${own}/push?tag=2`, login)).toMatch(
      /^200 [^]*2: digest: sha256/,
    );
    expect(await bench.pull(`${shop.id}/hello:2`, login.password)).toMatchObject({ ok: true });
    expect(bench.troubles).toEqual([]);
  },
  bootMs + 120_000,
);
