import { describe, expect, it } from '@jest/globals';
import type { InstanceId } from '@bellows/domain/ids';
import fc from 'fast-check';
import { elasticSpec } from '../guest-spec.fixture.js';
import type { HostFacts } from '../host-facts.js';
import { markIn, markXml, parseMark, uuidOf, type InstanceMark } from '../mark.js';
import { domainXml } from './domain.js';
import { requestXml, viewDomain } from './domain-view.js';
import { at, childrenOf, mibAt, numberAt, readXml } from './read.js';
import { volumeXml } from './volume.js';
import { writeXml } from './write.js';

const id = 'i-00000000000000000001' as InstanceId;
const facts: HostFacts = { virtType: 'qemu', bridge: 'bellows0', guestOverheadMib: 512 };
const paths = { root: `/pool/${id}.root`, seed: `/pool/${id}.seed` };
const spec = elasticSpec(id, 7);
const mark = (changes: Partial<InstanceMark> = {}): InstanceMark => ({
  controllerId: 'controller-one',
  instanceId: id,
  fence: 3,
  overheadMib: 512,
  stage: 'guest',
  nic: {
    tap: spec.nic.tap,
    mac: spec.nic.mac,
    privateAddress: spec.nic.privateAddress,
    publicAddress: '203.0.113.7',
  },
  ...changes,
});

describe('a domain', () => {
  it('boots with its floor of memory, and can be given the rest', () => {
    const size = { vcpus: 2, ramMib: 2048, diskGib: 4 };
    const xml = domainXml({ ...spec, size }, mark(), facts, paths);
    const domain = readXml(xml);
    expect(numberAt(domain, 'cpu', 'numa', 'cell')).toBeUndefined();
    expect(at(domain, 'cpu', 'numa', 'cell')?.attributes).toMatchObject({ memory: '1024', cpus: '0-3' });
    expect(mibAt(domain, 'maxMemory')).toBe(4096);
    const view = viewDomain(xml);
    expect(view).toMatchObject({ bootMib: 1024, vcpus: { current: 4, max: 4 } });
    expect(at(domain, 'sysinfo', 'entry')).toMatchObject({
      attributes: { name: 'opt/org.bellows/vcpus' },
      text: '2',
    });
    expect(view.elastic).toMatchObject({ sizeMib: 3072, requestedMib: 1024 });
    expect(mibAt(view.elastic!.node, 'target', 'block')).toBe(2);
  });

  it('tells its guest which registry to trust', () => {
    const registry = { address: '10.77.0.1:5000', authority: '-----BEGIN CERTIFICATE-----\nMII+/=' };
    for (const virtType of ['qemu', 'kvm'] as const) {
      const domain = readXml(domainXml(spec, mark(), { ...facts, virtType, registry }, paths));
      const told = childrenOf(at(domain, 'sysinfo'), 'entry').map(({ attributes, text }) => [
        attributes['name'],
        text,
      ]);
      expect(told).toEqual([
        ...(virtType === 'qemu' ? [['opt/org.bellows/vcpus', String(spec.size.vcpus)]] : []),
        ['opt/org.bellows/registry', '10.77.0.1:5000'],
        ['opt/org.bellows/registry-ca', registry.authority],
      ]);
    }
    const kvm = readXml(domainXml(spec, mark(), { ...facts, virtType: 'kvm' }, paths));
    expect(at(kvm, 'sysinfo')).toBeUndefined();
  });

  it('has a channel for its agent and one for streams, at paths that libvirt chooses', () => {
    const channels = childrenOf(at(readXml(domainXml(spec, mark(), facts, paths)), 'devices'), 'channel');
    expect(channels.map((channel) => at(channel, 'target')?.attributes['name'])).toEqual([
      'org.qemu.guest_agent.0',
      'org.bellows.streams.0',
    ]);
    for (const channel of channels) expect(at(channel, 'source')?.attributes['path']).toBeUndefined();
  });

  it('of a fixed plan has no memory to plug', () => {
    const bound = { vcpus: 2, ramMib: 4096 };
    const fixed = { ...spec, size: { ...bound, diskGib: 4 }, floor: bound, ceiling: bound };
    const view = viewDomain(domainXml(fixed, mark(), facts, paths));
    expect(view).toMatchObject({ bootMib: 4096, elastic: null, vcpus: { current: 2, max: 2 } });
  });

  it('is capped as a whole, has a pinned board and CPU, and disks whose format is never probed', () => {
    const domain = readXml(domainXml(spec, mark(), facts, paths));
    expect(numberAt(domain, 'cputune', 'global_quota')).toBe(100_000);
    expect(at(domain, 'os', 'type')?.attributes['machine']).toBe('pc-q35-7.2');
    expect(at(domain, 'cpu', 'model')?.text).toBe('qemu64');
    const disks = childrenOf(at(domain, 'devices'), 'disk');
    expect(disks.map((disk) => at(disk, 'driver')?.attributes['type'])).toEqual(['raw', 'raw']);
    expect(disks.map((disk) => at(disk, 'source')?.attributes['file'])).toEqual([paths.root, paths.seed]);
  });

  it('runs on KVM only where the host said so', () => {
    const kvm = readXml(domainXml(spec, mark(), { ...facts, virtType: 'kvm' }, paths));
    expect([kvm.attributes['type'], at(kvm, 'cpu', 'model')?.text]).toEqual(['kvm', 'Nehalem']);
    expect(readXml(domainXml(spec, mark(), facts, paths)).attributes['type']).toBe('qemu');
  });

  it('always has the same uuid, and no two share one', () => {
    expect(uuidOf('instance', id)).toBe(uuidOf('instance', id));
    expect(uuidOf('instance', id)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(uuidOf('instance', id)).not.toBe(uuidOf('owner', id));
  });

  it('asks its memory device for another amount, by alias and address', () => {
    const xml = writeXml({
      domain: {
        memory: 4194304,
        devices: {
          memory: {
            '@model': 'virtio-mem',
            target: {
              size: 3145728,
              node: 0,
              block: 2048,
              requested: 0,
              current: 0,
            },
            alias: { '@name': 'virtiomem0' },
            address: { '@type': 'pci', '@bus': '0x03' },
          },
        },
      },
    });
    const asked = readXml(requestXml(viewDomain(xml).elastic!, 512));
    expect(mibAt(asked, 'target', 'requested')).toBe(512);
    expect(mibAt(asked, 'target', 'size')).toBe(3072);
    expect(at(asked, 'alias')?.attributes['name']).toBe('virtiomem0');
    expect(at(asked, 'address')?.attributes['bus']).toBe('0x03');
  });
});

describe('the mark', () => {
  it('is read back from a domain and from what libvirt answers', () => {
    expect(markIn(readXml(domainXml(spec, mark(), facts, paths)))).toEqual(mark());
    expect(parseMark(markXml(mark()))).toEqual(mark());
    const bare = mark({ nic: { ...mark().nic, publicAddress: null } });
    expect(parseMark(markXml(bare))).toEqual(bare);
  });

  it('is none when a part is missing or a number is none', () => {
    for (const text of [
      '<instance/>',
      '<instance controller="c" id="i" fence="1e3" overhead="1"><nic/></instance>',
      '<instance controller="c" id="i" fence="-1" overhead="1"><nic/></instance>',
      '<instance controller="c" id="i" fence="1" overhead="1"/>',
    ]) {
      expect(parseMark(text)).toBeNull();
    }
    expect(markIn(readXml('<domain><metadata><instance controller="c"/></metadata></domain>'))).toBeNull();
  });
});

const hostile = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom(
    '"/><devices>',
    "' onload='",
    ']]>',
    '<!--',
    '-->',
    '&lt;',
    '&#x41;',
    '<?xml?>',
    '\u0000',
    '\u001b',
    '\ud800',
    '\ufffe',
  ),
  fc
    .array(fc.constantFrom('<', '>', '&', '"', "'", 'a', '\n', '\t', ' '), { maxLength: 30 })
    .map((c) => c.join('')),
);

/** Line ends and tabs in an attribute may come back as spaces (XML 1.0, 3.3.3); nothing else may change. */
const flat = (text: string): string => text.replace(/[\t\r\n]/g, ' ').trim();

describe('no value becomes structure', () => {
  it('in a domain', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (controllerId, tap, root, bridge) => {
        let xml: string;
        try {
          const nic = { ...spec.nic, tap };
          const marked = mark({ controllerId, nic: { ...mark().nic, tap } });
          xml = domainXml({ ...spec, nic }, marked, { ...facts, bridge }, { ...paths, root });
        } catch {
          return; // what XML cannot carry is refused
        }
        const domain = readXml(xml);
        const plain = readXml(domainXml(spec, mark(), facts, paths));
        const shape = (node: typeof domain): unknown => [node.name, node.children.map(shape)];
        expect(shape(domain)).toEqual(shape(plain));
        expect(flat(at(domain, 'devices', 'interface', 'target')?.attributes['dev'] ?? '')).toBe(flat(tap));
        expect(flat(at(domain, 'devices', 'disk', 'source')?.attributes['file'] ?? '')).toBe(flat(root));
      }),
      { numRuns: 300 },
    );
  });

  it('in a volume', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        let xml: string;
        try {
          xml = volumeXml(name, 1, 'raw');
        } catch {
          return;
        }
        const volume = readXml(xml);
        expect(volume.children.map((child) => child.name)).toEqual([
          'name',
          'capacity',
          'allocation',
          'target',
        ]);
        expect(flat(at(volume, 'name')!.text)).toBe(flat(name));
      }),
    );
  });
});

describe('a document with entities of its own', () => {
  it('is refused', () => {
    const bomb = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><d>&b;</d>';
    expect(() => readXml(bomb)).toThrow(/DTD/);
    expect(() => readXml('<a/><b/>')).toThrow(/root/);
    expect(() => readXml(`<a>${'x'.repeat(5_000_000)}</a>`)).toThrow(/characters/);
  });

  it('and one with names that JavaScript holds dear', () => {
    expect(() => readXml('<a __proto__="1"><b/></a>')).toThrow();
    expect(() => readXml('<a><__proto__/></a>')).toThrow();
  });
});
