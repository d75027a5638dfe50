import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCloud, root, type TestCloud } from './support/cloud.js';
import { domains, freeHost, run, volumes } from './support/host.js';
import { answersFromOutside, GuestShell, makeSshKey, type GuestFacts } from './support/guest-shell.js';

const cycles = process.env['BELLOWS_E2E_FULL'] ? 10 : 1;

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
        if (now.size.held.ramMib === now.size.desired.ramMib && now.conditions.length === 0)
          return { engineMs: null };
      }
      throw new Error(`never settled: ${JSON.stringify(await instance())}`);
    }
    if (operation.state !== 'succeeded') note(`resize ${JSON.stringify(body)}: ${JSON.stringify(operation)}`);
    expect(operation.state).toBe('succeeded');
    const asked = operation.steps.find((step: { name: string }) => step.name === 'confirm-engine');
    expect([operation.confirmedBy, operation.warnings]).toEqual(['engine', []]);
    return { engineMs: Date.parse(asked.finishedAt) - Date.parse(asked.startedAt) };
  }

  /** What `docker info` and a running container without limits say, each asked where its owner would ask. */
  async function inDocker() {
    const [cpus, memTotal, ...rest] = (
      await shell.run(
        "docker info --format '{{.NCPU}} {{.MemTotal}}' | tr ' ' '\\n'; docker exec counter sh -c 'nproc; cat /count; grep MemTotal /proc/meminfo'",
      )
    ).split('\n');
    return {
      info: { cpus: Number(cpus), memTotalMib: Math.round(Number(memTotal) / 2 ** 20) },
      container: {
        cpus: Number(rest[0]),
        memTotalMib: Math.round(parseInt(rest[2]!.split(/ +/)[1]!) / 1024),
      },
      count: Number(rest[1]),
    };
  }

  async function engineIs(state: string, limitMs = 120_000) {
    for (const until = Date.now() + limitMs; Date.now() < until; await sleep(500))
      if ((await instance()).docker.state === state) return;
    throw new Error(`the engine is ${JSON.stringify((await instance()).docker)}`);
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
    await engineIs('ready');
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
    expect(plan.steps).toEqual([
      'raise-limits',
      'grow-memory',
      'grow-vcpus',
      'confirm-growth',
      'confirm-engine',
    ]);
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

  it('shows a running container its new size, while the container keeps counting', async () => {
    await shell.run(
      [
        'mkdir -p /root/box/bin && cp /usr/bin/busybox /root/box/bin/',
        'for tool in sh nproc cat grep mv sleep; do ln -sf busybox /root/box/bin/$tool; done',
        'tar -C /root/box -c . | docker import - box',
        "docker run -d --name counter --network none box sh -c 'i=0; while :; do i=$((i+1)); echo $i > /count.new; mv /count.new /count; sleep 0.2; done'",
      ].join(' && '),
      180_000,
    );
    let { count } = await inDocker();
    for (const [plan, cpus, ramMib] of [
      ['ecs-2c2g', 2, 2048],
      ['ecs-4c4g', 4, 4096],
      ['ecs-1c1g', 1, 1024],
    ] as const) {
      const { engineMs } = await resize({ plan });
      const [guest, docker] = [await shell.facts(), await inDocker()];
      note(
        `${plan}: nproc ${guest.cpus}, docker info ${docker.info.cpus}, container ${docker.container.cpus}; MemTotal ${guest.memTotalMib}, ${docker.info.memTotalMib}, ${docker.container.memTotalMib} MiB; count ${docker.count}; the engine took ${engineMs} ms`,
      );
      expect([guest.cpus, docker.info.cpus, docker.container.cpus]).toEqual([cpus, cpus, cpus]);
      expect(docker.info.memTotalMib).toBe(guest.memTotalMib);
      expect(docker.container.memTotalMib).toBe(guest.memTotalMib);
      expect(ramMib - guest.memTotalMib).toBeLessThan(64);
      expect((await instance()).size).toMatchObject({
        held: { vcpus: cpus, ramMib },
        reserved: { vcpus: cpus, ramMib },
      });
      expect(docker.count).toBeGreaterThan(count);
      count = docker.count;
    }
    expect(await shell.run("docker inspect -f '{{.State.Running}} {{.RestartCount}}' counter")).toBe(
      'true 0',
    );
  }, 400_000);

  it('does not shrink below what a running container was promised, unless its owner says so', async () => {
    await resize({ plan: 'ecs-2c2g' });
    await shell.run(
      'docker run -d --name db --network none --memory 1500m --cpus 1.5 box sleep 100000',
      120_000,
    );
    const { limits } = (await cloud.call('POST', `/v1/instances/${id}/resize-plans`, { plan: 'ecs-1c1g' }))
      .body;
    expect(limits.containers).toEqual([
      expect.objectContaining({ name: 'db', ramMib: 1500, cpus: 1.5, blocks: true }),
    ]);
    const refused = await cloud.call('POST', `/v1/instances/${id}/resize`, { plan: 'ecs-1c1g' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'containers-promised' } });
    const body = { plan: 'ecs-1c1g', allowContainers: true };
    const allowed = await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/resize`, body));
    expect(allowed).toMatchObject({ state: 'succeeded', confirmedBy: 'engine' });
    expect(allowed.warnings).toEqual([expect.stringContaining('db')]);
    await shell.run('docker rm -f db', 120_000);
  }, 400_000);

  it("is resized without its owner's engine too: by its deadline, and with a warning", async () => {
    await shell.run('systemctl stop docker.socket docker', 120_000);
    const began = Date.now();
    const operation = await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/resize`, { vcpus: 2 }));
    note(`without an engine: ${(Date.now() - began) / 1000} s, ${JSON.stringify(operation.warnings)}`);
    expect(operation).toMatchObject({ state: 'succeeded', confirmedBy: 'hypervisor' });
    expect(operation.warnings).toEqual([expect.stringContaining('container engine')]);
    await shell.run('systemctl start docker.socket docker', 120_000);
    await engineIs('ready');
    await resize({ vcpus: 1 });
  }, 400_000);

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
