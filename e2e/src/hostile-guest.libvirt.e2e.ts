import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hostsAndInstances, reservedAgree } from './support/books.js';
import type { GuestFacts } from './support/guest-shell.js';
import { installHostileAgent, play, timesAsked, type Play } from './support/hostile-agent.js';
import { domains, run, volumes } from './support/host.js';
import { Lab, type LabGuest } from './support/lab.js';
import { qcow2Header } from './support/qcow2.js';
import {
  daemonFigures,
  enforced,
  markOf,
  MemoryGroup,
  monitor,
  shapeOf,
  virsh,
  workerFigures,
} from './support/qemu.js';

/** Lives as long as an attack must: a real figure is in each, so that a slow machine is told from a stalled loop. */
const loopLimitMs = 100;
const rssGrowthLimitMib = 200;

const escapes = {
  comment: `]]></domain><disk> : - &anchor *anchor {a: [b]} #'`,
  script: `#!/bin/sh\n# ]]></domain><devices> "]]>\n: - &anchor\n---\n...\n{"a": ['"]}\n\techo é \u{1f40e} > /root/ran\n`,
};

/** One guest whose owner means harm, one that must not notice. */
describe('a hostile guest', () => {
  let lab: Lab;
  let villain: LabGuest;
  let neighbour: LabGuest;
  let home: GuestFacts;
  let rssAtFirst = 0;
  /** What the host's measured overhead lets QEMU have beside the guest's own memory. */
  let overheadMib = 0;
  const size = async (id: string) => (await lab.instance(id)).size;
  const tell = (attack: string, figures: object) =>
    process.stdout.write(`hostile-guest  ${attack.padEnd(22)} ${JSON.stringify(figures)}\n`);

  /** What every attack must leave alone; its figures. */
  async function unharmed() {
    const now = await neighbour.shell.facts();
    expect(now).toMatchObject({ bootId: home.bootId, cpus: 1, memTotalMib: home.memTotalMib });
    expect(now.counter).toBeGreaterThan(home.counter);
    const counted = now.counter - home.counter;
    home = now;
    const { state, size: own } = await lab.instance(neighbour.id);
    const slice = { vcpus: 1, ramMib: 1024 };
    expect({ state, ...own }).toMatchObject({ state: 'running', reserved: slice, held: slice });
    expect(await lab.billed(neighbour.id)).toMatchObject(slice);
    expect(await enforced(neighbour.id)).toMatchObject(slice);
    expect(reservedAgree(await hostsAndInstances(lab.cloud))).toEqual([]);
    const worker = await workerFigures(lab.workerPort);
    expect(worker.rssMib - rssAtFirst).toBeLessThan(rssGrowthLimitMib);
    expect(worker.loopP99Ms).toBeLessThan(loopLimitMs);
    return { neighbourCounted: counted, ...worker, claimsEqualInstances: true };
  }

  /** The books say what QEMU and the quota give, whatever the guest says. */
  async function booksAreReal(id: string) {
    const { size: own } = await lab.instance(id);
    const real = await enforced(id);
    expect(own.held).toMatchObject({ vcpus: real.vcpus, diskGib: real.diskGib });
    expect(own.held.ramMib).toBeGreaterThanOrEqual(real.ramMib);
    for (const key of ['vcpus', 'ramMib', 'diskGib'] as const) {
      expect(own.reserved[key]).toBeGreaterThanOrEqual(own.held[key]);
      expect(own.effective[key]).toBeLessThanOrEqual(own.held[key]);
    }
    expect(await lab.billed(id)).toEqual(own.held);
    return own;
  }

  beforeAll(async () => {
    lab = await Lab.start();
    [neighbour, villain] = await Promise.all([
      lab.create('neighbour'),
      lab.create('villain', {
        sshKeys: [lab.publicKey, `${lab.publicKey.split(' ').slice(0, 2).join(' ')} ${escapes.comment}`],
        userData: escapes.script,
      }),
    ]);
    ({ overheadMib } = await markOf(villain.id));
    await installHostileAgent(villain.shell);
    await neighbour.shell.startCounter();
    await sleep(1_000);
    home = await neighbour.shell.facts();
    rssAtFirst = (await workerFigures(lab.workerPort)).rssMib;
  }, 600_000);

  afterAll(() => lab?.close(), 300_000);

  it('cannot break out of XML or YAML by names, keys and user data', async () => {
    const refused = [
      { name: 'a"]]></name>' },
      { name: 'a\nb' },
      { name: 'a: &b' },
      { name: 'a\u0000' },
      { sshKeys: [`${lab.publicKey}\nssh-ed25519 AAAA`] },
      { sshKeys: [`${lab.publicKey}\u0000`] },
      { sshKeys: [`${lab.publicKey} "]]></domain>`] },
      { sshKeys: ['command="sh" ssh-ed25519 AAAA'] },
      { image: '../../etc/passwd' },
      { plan: 'ecs-1c1g</plan>' },
      { zone: 'lab"' },
      { userData: 'a\u0000b' },
    ];
    const statuses = [];
    for (const more of refused) statuses.push((await lab.ask('probe', more)).status);
    expect(statuses).toEqual(refused.map(() => 400));
    // What is allowed reaches the guest as it is, and nothing of it is structure on the host.
    expect(await shapeOf(villain.id)).toEqual(await shapeOf(neighbour.id));
    const [keys, script] = await Promise.all([
      villain.shell.run('tail -n 1 /root/.ssh/authorized_keys'),
      villain.shell.run('base64 < /var/lib/bellows-init/user-script'),
    ]);
    expect(keys.endsWith(escapes.comment)).toBe(true);
    expect(Buffer.from(script, 'base64').toString('utf8')).toBe(escapes.script);
    tell('break out', {
      refused: refused.length,
      domainUnchanged: true,
      bytesExact: true,
      ...(await unharmed()),
    });
  }, 60_000);

  it('that lies grows to what it was given, and gives back only what QEMU and the quota take', async () => {
    for (const until = Date.now() + 60_000; (await lab.instance(villain.id)).docker.state !== 'ready';)
      if (Date.now() > until) throw new Error('its engine never spoke');
      else await sleep(500);
    await play(villain.shell, 'liar');
    const grown = await lab.resize(villain.id, { plan: 'ecs-2c2g' });
    // Its agent says that it has all CPUs; the container engine beside it counts those that were never brought on.
    expect(grown).toMatchObject({ state: 'partial', confirmedBy: 'guest' });
    const large = await booksAreReal(villain.id);
    expect(large).toMatchObject({ held: { vcpus: 2, ramMib: 2048 } });
    // It uses what it was given, claims to have given it back, and lies on.
    await villain.shell.run(
      'mount -t tmpfs -o size=1200m t /mnt && head -c 1100M /dev/zero > /mnt/held',
      120_000,
    );
    const shrunk = await lab.resize(villain.id, { plan: 'ecs-1c1g' });
    expect(shrunk.state).toBe('partial');
    const kept = await booksAreReal(villain.id);
    expect(kept.held.vcpus).toBe(1);
    expect(kept.held.ramMib).toBeGreaterThan(1024);
    expect(MemoryGroup.of(villain.id).limitMib()).toBe(kept.held.ramMib + overheadMib);
    const figures = await unharmed();
    await villain.shell.run('umount /mnt');
    const given = await untilHeld(1024);
    tell('lying agent', {
      claimed: '64 vCPU, 1 TiB',
      grown: large.held,
      effective: large.effective,
      shrinkHeld: kept.held.ramMib,
      shrinkBilled: kept.held.ramMib,
      givenBackAfterS: given,
      ...figures,
    });
  }, 300_000);

  async function untilHeld(ramMib: number): Promise<number> {
    const began = Date.now();
    for (; Date.now() - began < 90_000; await sleep(1_000))
      if ((await size(villain.id)).reserved.ramMib === ramMib) break;
    expect(await booksAreReal(villain.id)).toMatchObject({ reserved: { ramMib }, held: { ramMib } });
    return Math.round((Date.now() - began) / 1000);
  }

  /** Growth of a guest that says nothing waits for it in vain, and is then the hypervisor's word; a shrink needs nobody's. */
  const plays: [Play, number, 'and stopped' | ''][] = [
    ['silent', 2, 'and stopped'],
    ['endless', 1, 'and stopped'],
    ['huge', 2, ''],
    ['deep', 1, ''],
    ['garbage', 2, ''],
  ];
  it.each(plays)(
    'with an agent that is %s is resized to %i vCPU %s all the same',
    async (what, vcpus, stop) => {
      await play(villain.shell, what);
      const began = Date.now();
      const resized = await lab.resize(villain.id, { vcpus });
      expect(resized.state).toBe('succeeded');
      if (vcpus === 2) expect(resized.confirmedBy).toBe('hypervisor');
      const resizeS = (Date.now() - began) / 1000;
      expect(await booksAreReal(villain.id)).toMatchObject({ held: { vcpus }, reserved: { vcpus } });
      await askedAtAll();
      const figures = { resizeS, ...(await unharmed()) };
      tell(`agent: ${what}`, stop ? { ...figures, stopS: await stopAndStart() } : figures);
    },
    240_000,
  );

  async function askedAtAll() {
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(1_000))
      if ((await timesAsked(villain.shell)) > 0) return;
    throw new Error('nobody asked the hostile agent');
  }

  async function stopAndStart(): Promise<number> {
    const began = Date.now();
    expect(await lab.act(villain.id, 'stop')).toMatchObject({ state: 'succeeded' });
    const stopS = (Date.now() - began) / 1000;
    expect(stopS).toBeLessThan(45);
    expect(await lab.instance(villain.id)).toMatchObject({
      state: 'stopped',
      size: { reserved: { vcpus: 0, ramMib: 0 } },
    });
    // /run is empty after a boot: the real agent is back.
    expect(await lab.act(villain.id, 'start')).toMatchObject({ state: 'succeeded' });
    await villain.shell.reachable();
    return stopS;
  }

  it('cannot flood the disk or the daemons from its console', async () => {
    const before = daemonFigures();
    const group = MemoryGroup.of(villain.id);
    const usedBefore = group.usageMib();
    await villain.shell.run(
      'setsid sh -c \'timeout 20 sh -c "yes 0123456789012345678901234567890123456789 > /dev/ttyS0"\' > /dev/null 2>&1 < /dev/null &',
    );
    await sleep(20_000);
    const after = daemonFigures();
    const growth = {
      libvirtdMib: after.libvirtdMib - before.libvirtdMib,
      virtlogdMib: after.virtlogdMib - before.virtlogdMib,
      diskMib: after.diskUsedMib - before.diskUsedMib,
      qemuMib: group.usageMib() - usedBefore,
    };
    expect(growth.libvirtdMib).toBeLessThan(64);
    expect(growth.virtlogdMib).toBeLessThan(64);
    expect(growth.diskMib).toBeLessThan(256);
    expect(group.usageMib()).toBeLessThanOrEqual(1024 + overheadMib);
    tell('console flood 20 s', { growth, ...(await unharmed()) });
  }, 90_000);

  it('that boots to use memory it was not given is contained, and dies alone', async () => {
    const address = /memaddr: 0x([0-9a-f]+)/.exec(await monitor(villain.id, 'info memory-devices'))![1]!;
    // Its boot loader is its own: the kernel is told of memory where only an unplugged device is.
    await villain.shell.run(
      `sed -i 's/^linux .*/& memmap=2G@0x${address}/' /boot/grub/grub.cfg && grep -q memmap /boot/grub/grub.cfg && sync`,
    );
    await villain.shell.run('(sleep 1; reboot -f) > /dev/null 2>&1 &').catch(() => '');
    await sleep(6_000);
    await villain.shell.reachable();
    const { memTotalMib } = await villain.shell.facts();
    expect(memTotalMib).toBeGreaterThan(2_500);
    const held = (await size(villain.id)).held.ramMib;
    expect(held).toBe(1024);
    const group = MemoryGroup.of(villain.id);
    let most = 0;
    // It does not come back: its machine dies under it.
    void villain.shell
      .run('mount -t tmpfs -o size=2600m t /mnt && head -c 2500M /dev/zero > /mnt/taken', 90_000)
      .catch(() => '');
    for (let i = 0; i < 300 && group.exists(); i++, await sleep(200)) {
      most = Math.max(most, group.tryUsageMib());
      if ((await lab.instance(villain.id)).state === 'stopped') break;
    }
    expect(most).toBeLessThanOrEqual(held + overheadMib);
    // Its death is seen by an event, or by the next look at the host; the stop that follows takes a moment.
    const settled = async () => group.exists() || (await lab.instance(villain.id)).state === 'stopped';
    for (let i = 0; i < 120 && !(await settled()); i++) await sleep(500);
    const { state, size: after } = await lab.instance(villain.id);
    tell('memory not given', {
      guestSaysMib: memTotalMib,
      heldMib: held,
      cgroupPeakMib: most,
      limitMib: held + overheadMib,
      ended: state,
      reserved: after.reserved,
      ...(await unharmed()),
    });
    // Killed by its own group: the cloud shows a stop, and has released what the guest no longer holds.
    if (state === 'stopped') expect(after.reserved).toMatchObject({ vcpus: 0, ramMib: 0 });
    else expect(state).toBe('running');
  }, 240_000);

  it('with a qcow2 header on its raw disk sees no file of the host, and its disk grows right', async () => {
    if ((await lab.instance(villain.id)).state !== 'stopped') await lab.act(villain.id, 'stop');
    expect(await lab.act(villain.id, 'start')).toMatchObject({ state: 'succeeded' });
    await villain.shell.reachable();
    const before = (await size(villain.id)).held.diskGib;
    const header = qcow2Header('/etc/hostname', (before + 5) * 2 ** 30).toString('base64');
    await villain.shell.run(
      `echo ${header} | base64 -d | dd of=/dev/vda conv=notrunc,fsync bs=512 2>/dev/null`,
    );
    const head = () =>
      villain.shell.run(
        'echo 3 > /proc/sys/vm/drop_caches; head -c 512 /dev/vda | base64 | tr -d "\\n"; echo; blockdev --getsize64 /dev/vda',
      );
    const online = await lab.resize(villain.id, { diskGib: before + 1 });
    expect(online).toMatchObject({ state: 'succeeded' });
    expect((await head()).split('\n')).toEqual([header, String((before + 1) * 2 ** 30)]);
    expect(await lab.act(villain.id, 'stop')).toMatchObject({ state: 'succeeded' });
    expect(await lab.resize(villain.id, { diskGib: before + 2 })).toMatchObject({ state: 'succeeded' });
    const path = (await virsh('vol-path', '--pool', 'bellows', `${villain.id}.root`)).trim();
    const info = JSON.parse((await run('qemu-img', ['info', '-f', 'raw', '--output', 'json', path])).stdout);
    expect(info['virtual-size']).toBe((before + 2) * 2 ** 30);
    // It no longer boots, by its owner's own hand; so the start is looked at from outside, and the delete ends it.
    await lab.cloud.call('POST', `/v1/instances/${villain.id}/actions/start`);
    for (let i = 0; i < 60 && !(await virsh('list', '--name')).includes(villain.id); i++) await sleep(500);
    const blocks = await monitor(villain.id, 'info block -v');
    expect(blocks).toMatch(/file format: raw/);
    expect(blocks).not.toMatch(/qcow2|Backing file|\/etc\/hostname/);
    tell('qcow2 header', {
      sizesGib: [before, before + 1, before + 2],
      virtualSize: info['virtual-size'],
      format: 'raw',
      backingFile: null,
      ...(await unharmed()),
    });
  }, 240_000);

  it('is deleted like any other, and leaves nothing', async () => {
    const began = Date.now();
    let removed = await lab.remove(villain.id);
    for (; removed.status === 409 && Date.now() - began < 200_000; await sleep(2_000))
      removed = await lab.remove(villain.id);
    expect(removed).toMatchObject({ state: 'succeeded' });
    expect(await domains()).not.toContain(villain.id);
    expect(await volumes()).not.toContain(villain.id);
    expect((await lab.host()).instances).toBe(1);
    tell('delete', { tookS: (Date.now() - began) / 1000, ...(await unharmed()) });
  }, 300_000);
});
