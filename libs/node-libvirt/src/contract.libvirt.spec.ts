import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Connection } from './connection.js';
import { ErrorCode } from './error-codes.js';
import {
  isNoDomain,
  isNoDomainMetadata,
  isNoStorageVol,
  isNoSupport,
  isOperationInvalid,
  isXMLError,
  LibvirtError,
} from './errors.js';
import { DomainEventID, type LifecycleEvent } from './events.js';
import { eventually } from './fake-libvirtd.fixture.js';
import { DomainAffect, DomainChannel, DomainMemory, DomainVcpu, QemuMonitorCommand } from './flags.js';
import { DomainEventType, DomainMetadataType, DomainState } from './states.js';
import type { Domain } from './types.js';

const socket = process.env['BELLOWS_TEST_LIBVIRT_SOCKET'] ?? '/run/libvirt/libvirt-sock';
const suffix = randomBytes(4).toString('hex');
const { LIVE, CONFIG } = DomainAffect;

const drivers = [
  { driver: 'test', uri: `test+unix:///default?socket=${socket}`, type: 'test', arch: 'i686' },
  { driver: 'qemu', uri: `qemu+unix:///system?socket=${socket}`, type: 'qemu', arch: 'x86_64' },
];

describe.each(drivers)('libvirt\u2019s $driver driver', ({ driver, uri, type, arch }) => {
  const isQemu = driver === 'qemu';
  const name = `contract-${driver}-${suffix}`;
  const serial = isQemu ? '<serial type="pty"/><console type="pty"/>' : '';
  const channel = isQemu
    ? "<channel type='unix'><source mode='bind'/><target type='virtio' name='org.bellows.test.0'/></channel>"
    : '';
  const bios = isQemu ? "<bios useserial='yes'/>" : '';
  const xml = `<domain type='${type}'><name>${name}</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
    <os><type arch='${arch}'>hvm</type>${bios}</os><devices>${serial}${channel}</devices></domain>`;
  const heard: LifecycleEvent[] = [];
  let connection: Connection;
  let dom: Domain;

  beforeAll(async () => {
    connection = await Connection.open(uri, { timeoutMs: 60_000 });
    const listen = (event: LifecycleEvent): void => void (event.domain.name === name && heard.push(event));
    await connection.connectDomainEventRegisterAny(null, DomainEventID.LIFECYCLE, listen);
    dom = await connection.domainDefineXML(xml);
    dom = await connection.domainCreateWithFlags(dom);
  }, 90_000);

  afterAll(async () => {
    await connection.domainDestroyFlags(dom).catch(() => undefined);
    await connection.domainUndefineFlags(dom).catch(() => undefined);
    await connection.close();
  });

  it('tells about itself', async () => {
    expect(await connection.connectGetType()).toBe(driver.toUpperCase());
    expect(await connection.connectGetVersion()).toBeGreaterThan(0);
    expect(await connection.connectGetLibVersion()).toBeGreaterThan(6_000_000);
    expect(await connection.connectGetHostname()).not.toBe('');
    expect(await connection.connectGetCapabilities()).toContain('<capabilities>');
    expect(await connection.nodeGetInfo()).toMatchObject({
      cpus: expect.any(Number),
      model: expect.stringMatching(/\w/),
    });
    expect(await connection.nodeGetFreeMemory()).toBeGreaterThan(0);
  });

  it('looks domains up, lists and describes them', async () => {
    expect(await connection.domainLookupByName(name)).toEqual(dom);
    expect(await connection.domainLookupByUUID(dom.uuid)).toEqual(dom);
    expect((await connection.connectListAllDomains()).map((each) => each.uuid)).toContain(dom.uuid);
    expect(await connection.domainGetXMLDesc(dom)).toContain(`<name>${name}</name>`);
    expect(await connection.domainGetState(dom)).toEqual({ state: DomainState.RUNNING, reason: 1 });
    const info = await connection.domainGetInfo(dom);
    expect(info).toMatchObject({
      state: DomainState.RUNNING,
      maxMemKib: 65_536,
      memoryKib: 65_536,
      nrVirtCpu: 1,
    });
  });

  it('says what is wrong', async () => {
    expect(await connection.domainLookupByName(`no-${name}`).catch(isNoDomain)).toBe(true);
    expect(await connection.domainDefineXML('<domain').catch(isXMLError)).toBe(true);
    const twice = await connection.domainCreateWithFlags(dom).catch((error: unknown) => error);
    expect(twice).toBeInstanceOf(LibvirtError);
    // The test driver says INTERNAL_ERROR.
    if (isQemu) expect(isOperationInvalid(twice)).toBe(true);
  });

  it('counts vCPUs and memory', async () => {
    await connection.domainSetVcpusFlags(dom, 2, CONFIG);
    expect(await connection.domainGetVcpusFlags(dom, CONFIG)).toBe(2);
    expect(await connection.domainGetVcpusFlags(dom, DomainVcpu.CONFIG | DomainVcpu.MAXIMUM)).toBe(2);
    await connection.domainSetMemoryFlags(dom, 49_152, DomainMemory.CONFIG);
    expect(await connection.domainGetXMLDesc(dom, 2)).toContain("<currentMemory unit='KiB'>49152<");
  });

  it('sets and gets typed parameters', async () => {
    await connection.domainSetMemoryParameters(dom, { hard_limit: 1_048_576 }, isQemu ? LIVE : 0);
    expect(await connection.domainGetMemoryParameters(dom)).toMatchObject({ hard_limit: 1_048_576 });
    if (!isQemu) return;
    await connection.domainSetSchedulerParametersFlags(dom, { vcpu_quota: 50_000, cpu_shares: 512 }, LIVE);
    const now = await connection.domainGetSchedulerParametersFlags(dom, LIVE);
    expect(now).toMatchObject({ vcpu_quota: 50_000, cpu_shares: 512, emulator_quota: -1 });
  });

  it('keeps metadata', async () => {
    const uri = 'urn:contract';
    expect(
      await connection.domainGetMetadata(dom, DomainMetadataType.ELEMENT, uri).catch(isNoDomainMetadata),
    ).toBe(true);
    await connection.domainSetMetadata(dom, DomainMetadataType.ELEMENT, '<fence n="7"/>', 'c', uri, CONFIG);
    const kept = await connection.domainGetMetadata(dom, DomainMetadataType.ELEMENT, uri, CONFIG);
    expect(kept).toMatch(/<fence n=["']7["']/);
  });

  it('gives statistics', async () => {
    const [record] = await connection.connectGetAllDomainStats([dom]);
    expect(record?.domain.uuid).toBe(dom.uuid);
    expect(record?.params['state.state']).toBe(DomainState.RUNNING);
    const memory = await connection.domainMemoryStats(dom);
    if (isQemu) expect(memory).toMatchObject({ actualBalloon: 65_536, rss: expect.any(Number) });
    const node = await connection.nodeGetMemoryStats().catch(isNoSupport);
    if (isQemu) expect(node).toMatchObject({ total: expect.any(Number), free: expect.any(Number) });
    else expect(node).toBe(true);
  });

  it('suspends, resumes, and tells every change of state', async () => {
    await connection.domainSuspend(dom);
    expect((await connection.domainGetState(dom)).state).toBe(DomainState.PAUSED);
    await connection.domainResume(dom);
    const { DEFINED, STARTED, SUSPENDED, RESUMED } = DomainEventType;
    for (const wanted of [DEFINED, STARTED, SUSPENDED, RESUMED]) {
      await eventually(() => heard.some(({ event }) => event === wanted));
    }
  });

  it('moves bytes into a volume and out again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'contract-pool-'));
    const poolXml = `<pool type='dir'><name>${name}</name><target><path>${folder}</path></target></pool>`;
    const pool = await connection.storagePoolDefineXML(poolXml);
    if (isQemu) await connection.storagePoolBuild(pool);
    await connection.storagePoolCreate(pool);
    try {
      expect((await connection.storagePoolGetInfo(pool)).state).toBe(2);
      expect(await connection.storageVolLookupByName(pool, 'none').catch(isNoStorageVol)).toBe(true);
      const volXml = (volume: string): string =>
        `<volume><name>${volume}</name><capacity unit='MiB'>4</capacity><target><format type='raw'/></target></volume>`;
      const vol = await connection.storageVolCreateXML(pool, volXml('a.img'));
      expect(await connection.storageVolGetInfo(vol)).toMatchObject({ type: 0, capacityBytes: 4_194_304 });
      expect(await connection.storageVolGetPath(vol)).toBe(vol.key);
      if (isQemu) {
        const bytes = randomBytes(3_000_000);
        await pipeline([bytes], await connection.storageVolUpload(vol, 0, bytes.length));
        const read = Buffer.concat(
          await (await connection.storageVolDownload(vol, 0, bytes.length)).toArray(),
        );
        expect(read.equals(bytes)).toBe(true);
        expect(Buffer.concat(await (await connection.storageVolDownload(vol)).toArray())).toHaveLength(
          4_194_304,
        );
        await connection.storageVolResize(vol, 8_388_608);
        expect((await connection.storageVolGetInfo(vol)).capacityBytes).toBe(8_388_608);
      }
      const clone = await connection.storageVolCreateXMLFrom(pool, volXml('b.img'), vol);
      expect((await connection.storagePoolListAllVolumes(pool)).map((each) => each.name).sort()).toEqual([
        'a.img',
        'b.img',
      ]);
      await connection.storageVolDelete(clone);
      await connection.storageVolDelete(await connection.storageVolLookupByPath(vol.key));
    } finally {
      await connection.storagePoolDestroy(pool);
      await connection.storagePoolUndefine(pool);
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  /** What libvirt's test driver does not have is no test of it, rather than a skipped one. */
  const onlyQemu = (...test: Parameters<typeof it>): void => {
    if (isQemu) it(...test);
  };
  onlyQemu('opens the console: the firmware speaks on it', async () => {
    const console = await connection.domainOpenConsole(dom);
    let text = '';
    console.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    await connection.domainReset(dom);
    await eventually(() => text.length > 0).finally(() => console.destroy());
    await once(console, 'close');
    expect(await connection.connectGetType()).toBe('QEMU');
  });

  onlyQemu('opens a channel by its name, and takes it from who had it', async () => {
    const first = await connection.domainOpenChannel(dom, 'org.bellows.test.0', DomainChannel.FORCE);
    const ended = new Promise<Error>((resolve) => first.once('error', resolve));
    first.resume();
    const second = await connection.domainOpenChannel(dom, 'org.bellows.test.0', DomainChannel.FORCE);
    expect(await ended).toBeInstanceOf(LibvirtError);
    // Nobody in the guest has opened it: what is written waits.
    await new Promise((resolve) => second.write('hello', resolve));
    second.destroy();
    await once(second, 'close');
    const none = await connection.domainOpenChannel(dom, 'no.such', 0).catch((error: unknown) => error);
    expect(none).toMatchObject({
      code: ErrorCode.INTERNAL_ERROR,
      message: expect.stringMatching(/no\.such/),
    });
  });

  onlyQemu('passes QMP commands on', async () => {
    const answer = await connection.domainQemuMonitorCommand(dom, '{"execute":"query-status"}');
    expect(JSON.parse(answer)).toMatchObject({ return: { running: true } });
    expect(await connection.domainQemuMonitorCommand(dom, 'info status', QemuMonitorCommand.HMP)).toContain(
      'running',
    );
  });

  onlyQemu('keeps a packet filter', async () => {
    const filter = await connection.nwfilterDefineXML(
      `<filter name='${name}'><rule action='accept' direction='in'/></filter>`,
    );
    expect(await connection.nwfilterLookupByName(name)).toEqual(filter);
    await connection.nwfilterUndefine(filter);
  });

  it('destroys and undefines', async () => {
    await connection.domainDestroyFlags(dom);
    expect((await connection.domainGetState(dom)).state).toBe(DomainState.SHUTOFF);
    await connection.domainUndefineFlags(dom);
    expect(await connection.domainLookupByName(name).catch(isNoDomain)).toBe(true);
    await eventually(() => heard.at(-1)?.event === DomainEventType.UNDEFINED);
  });
});
