import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCloud } from './support/cloud.js';
import { domains, volumes } from './support/host.js';
import { Lab, type LabGuest } from './support/lab.js';
import { markOf, virsh } from './support/qemu.js';

const foreignName = `somebody-${randomUUID().slice(0, 8)}`;
const stranger = 'another-controller';

/** A guest without disk or network that runs nothing: its firmware looks for something to boot for ever. */
const diskless = (name: string, vcpus: number, ramMib: number, metadata = '') => `<domain type='qemu'>
  <name>${name}</name>
  ${metadata}
  <memory unit='MiB'>${ramMib}</memory>
  <vcpu>${vcpus}</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices><memballoon model='none'/></devices>
</domain>`;

describe('hosts have owners', () => {
  let lab: Lab;
  let folder: string;
  let own: LabGuest;
  const made: string[] = [];
  const tell = (what: string, figures: object) =>
    process.stdout.write(`owners  ${what.padEnd(24)} ${JSON.stringify(figures)}\n`);

  async function define(name: string, vcpus: number, ramMib: number, metadata?: string): Promise<string> {
    const file = join(folder, `${name}.xml`);
    await writeFile(file, diskless(name, vcpus, ramMib, metadata));
    await virsh('define', file);
    made.push(name);
    return virsh('dumpxml', '--inactive', name);
  }

  const running = async (name: string) => (await virsh('domstate', name)).trim() === 'running';

  async function capacityBecomes(right: (capacity: any) => boolean) {
    for (const until = Date.now() + 60_000; ; await sleep(1_000)) {
      const { capacity } = await lab.host();
      if (right(capacity)) return capacity;
      if (Date.now() > until) throw new Error(`capacity stays ${JSON.stringify(capacity)}`);
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bellows-owners-'));
    lab = await Lab.start();
  }, 240_000);

  afterAll(async () => {
    for (const name of made) {
      await virsh('destroy', name).catch(() => undefined);
      await virsh('undefine', name).catch(() => undefined);
    }
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  }, 240_000);

  it('a second controller is refused, and changes nothing', async () => {
    const owner = await virsh('nwfilter-dumpxml', 'bellows-owner');
    const second = await startCloud({ hosts: 'sim:1' });
    try {
      const ask = { name: 'mine', driver: 'libvirt', uri: 'qemu:///system', zone: 'lab' };
      const answer = await second.call('POST', '/v1/hosts', ask);
      expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
      expect((await second.call('GET', '/v1/hosts')).body.items).toHaveLength(1);
      tell('second controller', {
        status: answer.status,
        code: answer.body.code,
        detail: answer.body.detail,
      });
    } finally {
      await second.stop();
    }
    expect(await virsh('nwfilter-dumpxml', 'bellows-owner')).toBe(owner);
    expect(await lab.host()).toMatchObject({ state: 'ready' });
  }, 240_000);

  it("a guest that Bellows did not make takes capacity while it runs, and is nobody's instance", async () => {
    const before = (await lab.host()).capacity;
    await define(foreignName, 1, 768);
    await virsh('start', foreignName);
    const less = await capacityBecomes(
      ({ ramMib, vcpus }) => ramMib <= before.ramMib - 768 && vcpus < before.vcpus,
    );
    const { items } = (await lab.cloud.call('GET', '/v1/instances')).body;
    expect(items).toEqual([]);
    expect((await lab.host()).instances).toBe(0);
    tell('foreign guest', { capacityBefore: before, capacityWith: less, listed: items.length });
  }, 120_000);

  it("our creates and deletes leave others' guests as they are", async () => {
    const metadata = `<metadata><bellows:instance xmlns:bellows='urn:bellows:instance:1' controller='${stranger}' id='i-zzzzzzzzzzzzzzzzzzzz' fence='1' overhead='512' stage='guest'><bellows:nic tap='btzz' mac='52:54:00:00:00:01' private='10.77.255.1'/></bellows:instance></metadata>`;
    const theirs = await define('i-zzzzzzzzzzzzzzzzzzzz', 1, 128, metadata);
    const plain = await virsh('dumpxml', '--inactive', foreignName);
    own = await lab.create('ours');
    // Somebody else's mark comes over our own guest: from then on it is not ours to touch.
    const mark = await markOf(own.id);
    await remark(mark.text.replace(mark.controller, stranger));
    const refused = await lab.remove(own.id);
    expect(refused.state).not.toBe('succeeded');
    expect(await domains()).toContain(own.id);
    expect(await volumes()).toContain(own.id);
    expect(await running(own.id)).toBe(true);
    await own.shell.run('true');
    tell("another's mark", { delete: refused.state, error: refused.error?.code, stillRuns: true });
    await remark((await markOf(own.id)).text.replace(stranger, mark.controller));
    const removed = await lab.remove(own.id);
    expect(removed).toMatchObject({ state: 'succeeded' });
    const left = await domains();
    expect(left).not.toContain(own.id);
    expect(left).toEqual(expect.arrayContaining([foreignName, 'i-zzzzzzzzzzzzzzzzzzzz']));
    expect(await running(foreignName)).toBe(true);
    expect(await virsh('dumpxml', '--inactive', foreignName)).toBe(plain);
    expect(await virsh('dumpxml', '--inactive', 'i-zzzzzzzzzzzzzzzzzzzz')).toBe(theirs);
    tell('after our delete', {
      foreign: 'unchanged, running',
      anotherControllers: 'unchanged',
      ours: 'gone',
    });
  }, 400_000);

  const remark = (text: string) =>
    virsh(
      'metadata',
      own.id,
      '--uri',
      'urn:bellows:instance:1',
      '--key',
      'bellows',
      '--set',
      text,
      '--live',
      '--config',
    );

  it('a host that is let go can be enrolled by another', async () => {
    await virsh('destroy', foreignName);
    const { hostId } = lab;
    expect((await lab.cloud.call('DELETE', `/v1/hosts/${hostId}`)).status).toBe(204);
    const second = await startCloud({ hosts: 'sim:1' });
    try {
      const ask = { name: 'mine', driver: 'libvirt', uri: 'qemu:///system', zone: 'lab' };
      const answer = await second.call('POST', '/v1/hosts', ask);
      expect(answer.status).toBe(201);
      expect((await second.call('DELETE', `/v1/hosts/${answer.body.id}`)).status).toBe(204);
      tell('let go, taken, let go', { statuses: [204, answer.status, 204] });
    } finally {
      await second.stop();
    }
  }, 240_000);
});
