import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCloud, root, type TestCloud } from './support/cloud.js';
import { domains, freeHost, run, volumes } from './support/host.js';
import { answersFromOutside, GuestShell, makeSshKey, type GuestFacts } from './support/guest-shell.js';

const cycles = Number(process.env['BELLOWS_E2E_CYCLES'] ?? 3);

/** The main job of the product, on a real guest: sell a slice of a server and change its size while it runs. */
describe('the main job on a real hypervisor', () => {
  let cloud: TestCloud;
  let shell: GuestShell;
  let hostId: string;
  let id: string;
  let publicAddress: string;
  const began = Date.now();
  const note = (line: string) =>
    process.stdout.write(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
  const noteFacts = (what: string, f: GuestFacts) =>
    note(
      `${what.padEnd(26)} nproc ${f.cpus}  MemTotal ${f.memTotalMib} MiB  counter ${f.counter}  boot ${f.bootId.slice(0, 8)}`,
    );
  const instance = async () => (await cloud.call('GET', `/v1/instances/${id}`)).body;
  const host = async () => (await cloud.call('GET', `/v1/hosts/${hostId}`)).body;

  /** A shrink that the guest grants only in part is finished by the cloud when the guest lets go. */
  async function resize(body: Record<string, unknown>) {
    const operation = await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/resize`, body));
    if (operation.state === 'partial') {
      const { size } = await instance();
      note(
        `resize ${JSON.stringify(body)}: partial, held ${size.held.ramMib} of ${size.desired.ramMib} MiB asked`,
      );
      for (const until = Date.now() + 240_000; Date.now() < until; await sleep(1_000)) {
        const now = await instance();
        if (now.size.held.ramMib === now.size.desired.ramMib && now.conditions.length === 0) return;
      }
      throw new Error(`never settled: ${JSON.stringify(await instance())}`);
    }
    if (operation.state !== 'succeeded') note(`resize ${JSON.stringify(body)}: ${JSON.stringify(operation)}`);
    expect(operation.state).toBe('succeeded');
    if (operation.steps.some((step: { name: string }) => step.name === 'confirm-growth')) {
      expect(operation.confirmedBy).toBe('guest');
    }
  }

  beforeAll(async () => {
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'up']);
    await freeHost();
    cloud = await startCloud({ hosts: 'sim:1' });
  }, 180_000);

  afterAll(async () => {
    if (id)
      await cloud.call('DELETE', `/v1/instances/${id}`).then(
        (answer) => (answer.status === 202 ? cloud.ended(answer) : null),
        () => null,
      );
    await cloud?.call('DELETE', `/v1/hosts/${hostId}`);
    await cloud?.stop();
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'down']);
  }, 180_000);

  it('enrols a host over REST, and has plans and images', async () => {
    const pool = {
      cidr: '203.0.113.0/24',
      gateway: '203.0.113.1',
      kind: 'public',
      mode: 'routed',
      zone: 'lab',
    };
    expect((await cloud.call('POST', '/v1/ip-pools', pool)).status).toBe(201);
    const asked = { name: 'lab-1', driver: 'libvirt', uri: 'qemu:///system', zone: 'lab', cpuOvercommit: 8 };
    const enrolled = await cloud.call('POST', '/v1/hosts', asked);
    expect(enrolled.status).toBe(201);
    hostId = enrolled.body.id;
    expect(await host()).toMatchObject({
      driver: 'libvirt',
      state: 'ready',
      instances: 0,
      reserved: { vcpus: 0, ramMib: 0, diskGib: 0 },
    });
    const plans = (await cloud.call('GET', '/v1/plans')).body.items.map((plan: { id: string }) => plan.id);
    expect(plans).toEqual(expect.arrayContaining(['vps-1c1g', 'ecs-1c1g', 'ecs-2c2g', 'ecs-4c4g']));
    const images = (await cloud.call('GET', '/v1/images')).body.items.map(
      (image: { name: string }) => image.name,
    );
    expect(images).toEqual(expect.arrayContaining(['debian-12', 'debian-12-micro']));
  });

  it('creates a Debian with its own kernel, disk, name, key and addresses, reached from outside', async () => {
    const key = await makeSshKey();
    const answer = await cloud.call('POST', '/v1/instances', {
      name: 'web-1',
      plan: 'ecs-1c1g',
      image: 'debian-12',
      zone: 'lab',
      sshKeys: [key.publicKey],
    });
    id = answer.body.instance?.id;
    const operation = await cloud.ended(answer, 900_000);
    note(
      `create: ${operation.state} ${JSON.stringify(operation.steps.map((s: any) => [s.name, (Date.parse(s.finishedAt) - Date.parse(s.startedAt)) / 1000]))}`,
    );
    expect(operation).toMatchObject({ state: 'succeeded', confirmedBy: 'guest' });
    const made = await instance();
    expect(made).toMatchObject({
      state: 'running',
      size: { held: { vcpus: 1, ramMib: 1024 }, effective: { vcpus: 1, ramMib: 1024 } },
    });
    publicAddress = made.addresses.find((a: any) => a.kind === 'public').address;
    expect(await answersFromOutside(publicAddress)).toBe(true);
    shell = new GuestShell(publicAddress, key.path);
    await shell.reachable();
    const facts = await shell.facts();
    noteFacts('created 1c1g', facts);
    expect(facts).toMatchObject({ cpus: 1, hostname: 'web-1' });
    expect(facts.kernel).toMatch(/^6\.1\./);
    expect(await shell.run('. /etc/os-release; echo $ID $VERSION_ID')).toBe('debian 12');
    await shell.startCounter();
  }, 1_200_000);

  it('plans a live resize with steps and a price, and changes nothing by it', async () => {
    const before = await instance();
    const plan = (await cloud.call('POST', `/v1/instances/${id}/resize-plans`, { plan: 'ecs-2c2g' })).body;
    expect(plan).toMatchObject({
      impact: 'live',
      from: { vcpus: 1, ramMib: 1024 },
      to: { vcpus: 2, ramMib: 2048 },
      price: { before: '0.0105', after: '0.0210', deltaPerHour: '0.0105' },
    });
    expect(plan.steps).toEqual(['raise-limits', 'grow-memory', 'grow-vcpus', 'confirm-growth']);
    expect(await instance()).toEqual(before);
  });

  it('grows to 2c2g and back while a process in the guest keeps counting', async () => {
    const start = await shell.facts();
    noteFacts('before', start);
    await resize({ plan: 'ecs-2c2g' });
    const grown = await shell.facts();
    noteFacts('after resize to 2c2g', grown);
    expect(grown).toMatchObject({ cpus: 2, bootId: start.bootId });
    expect(grown.memTotalMib - start.memTotalMib).toBeGreaterThan(900);
    expect(grown.counter).toBeGreaterThan(start.counter);
    expect((await instance()).size).toMatchObject({
      held: { vcpus: 2, ramMib: 2048 },
      effective: { vcpus: 2, ramMib: 2048 },
    });
    await resize({ plan: 'ecs-1c1g' });
    const back = await shell.facts();
    noteFacts('after resize to 1c1g', back);
    expect(back).toMatchObject({ cpus: 1, bootId: start.bootId });
    expect(back.memTotalMib).toBe(start.memTotalMib);
    expect(back.counter).toBeGreaterThan(grown.counter);
    const { size } = await instance();
    expect(size).toMatchObject({ reserved: { vcpus: 1, ramMib: 1024 }, held: { vcpus: 1, ramMib: 1024 } });
  }, 300_000);

  it(`does it ${cycles} times over, 1→2→1→4→1 vCPU and 1→2→1 GiB, and the guest lives on`, async () => {
    const start = await shell.facts();
    for (let cycle = 1; cycle <= cycles; cycle++) {
      for (const vcpus of [2, 1, 4, 1]) {
        await resize({ vcpus });
        expect((await shell.facts()).cpus).toBe(vcpus);
      }
      for (const ramMib of [2048, 1024]) await resize({ ramMib });
      const facts = await shell.facts();
      noteFacts(`cycle ${cycle}`, facts);
      expect(facts).toMatchObject({ cpus: 1, bootId: start.bootId, memTotalMib: start.memTotalMib });
      expect(facts.counter).toBeGreaterThan(start.counter);
    }
  }, 1_200_000);

  it('goes to the ceiling under memory load without killing anything', async () => {
    const start = await shell.facts();
    await shell.run(
      "setsid sh -c 'head -c 600M /dev/zero | tail | sleep 100000' > /dev/null 2>&1 < /dev/null &",
    );
    await resize({ plan: 'ecs-4c4g' });
    const top = await shell.facts();
    noteFacts('at the ceiling, under load', top);
    expect(top).toMatchObject({ cpus: 4, bootId: start.bootId });
    await shell.run('head -c 2500M /dev/zero | tail > /dev/null', 180_000);
    expect(await shell.run('dmesg | grep -ci "out of memory" || true')).toBe('0');
    await shell.run('pkill -x tail; pkill -x sleep; true');
    await resize({ plan: 'ecs-2c2g' });
  }, 600_000);

  it('keeps its size through a reboot from inside', async () => {
    await resize({ plan: 'ecs-1c1g' });
    const before = await shell.facts();
    await shell.run('(sleep 1; reboot -f) > /dev/null 2>&1 &').catch(() => '');
    await sleep(5_000);
    await shell.reachable(300_000);
    // The reboot brings the offlined CPUs back; the quota never let them run, and the cloud takes them away again.
    let after = await shell.facts();
    for (let i = 0; after.cpus !== 1 && i < 30; i++, await sleep(1_000)) after = await shell.facts();
    noteFacts('after a reboot from inside', after);
    expect(after.bootId).not.toBe(before.bootId);
    expect(after.cpus).toBe(1);
    expect((await instance()).size.held).toMatchObject({ vcpus: 1, ramMib: 1024 });
  }, 600_000);

  it('stops, starts and reboots', async () => {
    expect(await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/actions/stop`))).toMatchObject({
      state: 'succeeded',
    });
    expect(await instance()).toMatchObject({ state: 'stopped', size: { reserved: { vcpus: 0, ramMib: 0 } } });
    expect((await host()).reserved).toMatchObject({ vcpus: 0, ramMib: 0 });
    for (const action of ['start', 'reboot']) {
      expect(
        await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/actions/${action}`)),
      ).toMatchObject({ state: 'succeeded' });
      await shell.reachable(300_000);
      noteFacts(`after ${action}`, await shell.facts());
    }
    expect(await instance()).toMatchObject({
      state: 'running',
      size: { effective: { vcpus: 1, ramMib: 1024 } },
    });
  }, 900_000);

  it('leaves nothing behind when it is deleted', async () => {
    const operation = await cloud.ended(await cloud.call('DELETE', `/v1/instances/${id}`));
    expect(operation).toMatchObject({ state: 'succeeded' });
    expect((await cloud.call('GET', `/v1/instances/${id}`)).status).toBe(404);
    expect(await host()).toMatchObject({ instances: 0, reserved: { vcpus: 0, ramMib: 0, diskGib: 0 } });
    expect(await domains()).not.toContain(id);
    expect(await volumes()).not.toContain(id);
    const { stdout: rules } = await run('nft', ['list', 'ruleset']);
    expect(rules.split(/[^\d.]+/)).not.toContain(publicAddress);
    const pools = (await cloud.call('GET', '/v1/ip-pools')).body.items;
    if (pools[0]?.used !== undefined)
      expect(pools.map((pool: { used: number }) => pool.used)).toEqual(pools.map(() => 0));
    id = '';
  }, 180_000);

  it('refuses to resize a fixed slice, and names the way out', async () => {
    const answer = await cloud.call('POST', '/v1/instances', {
      name: 'slice',
      plan: 'vps-1c1g',
      image: 'debian-12-micro',
      zone: 'lab',
    });
    id = answer.body.instance.id;
    expect(await cloud.ended(answer, 600_000)).toMatchObject({ state: 'succeeded' });
    const refused = await cloud.call('POST', `/v1/instances/${id}/resize`, { plan: 'ecs-2c2g' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'not-elastic' } });
    expect(refused.body.detail).toContain('ecs-2c2g');
  }, 900_000);
});
