import type { GuestSpec } from '@bellows/operations/ports/host-driver';
import type { HostFacts } from '../host-facts.js';
import { cpuPeriodUs, cpuQuotaUs } from '../limits.js';
import { markElement, uuidOf, type InstanceMark } from '../mark.js';
import { writeXml, type XmlContent } from './write.js';

export const agentChannel = 'org.qemu.guest_agent.0';
/** Carries all streams into the guest, multiplexed: see `guest-stream/`. */
export const streamsChannel = 'org.bellows.streams.0';
/** Pinned: a guest sees the same board after an upgrade of the host, and on every host it may move to. */
export const machineType = 'pc-q35-7.2';
export const memoryBlockKib = 2048;

export interface DiskPaths {
  readonly root: string;
  readonly seed: string;
}

const mib = (value: number): XmlContent => ({ '@unit': 'MiB', '#': value });
const isElasticMemory = ({ floor, ceiling }: GuestSpec): boolean => ceiling.ramMib > floor.ramMib;
/** A vCPU that the guest has now must be pluggable at all. */
const maxVcpus = ({ size, floor, ceiling }: GuestSpec): number =>
  Math.max(size.vcpus, floor.vcpus, ceiling.vcpus);

/**
 * Under emulation, QEMU 7.2 may abort when a vCPU is added to a running guest (tcg_region_initial_alloc): there all
 * are present from the start, the guest is told how many to wake, and the quota is the law either way.
 */
const presentVcpus = (spec: GuestSpec, virtType: HostFacts['virtType']): number =>
  virtType === 'qemu' ? maxVcpus(spec) : spec.size.vcpus;

/**
 * What the guest reads of us as it boots (QEMU's fw_cfg): how many CPUs to wake, for those beyond are put to sleep
 * before they cost anything; and which registry its container engine trusts.
 */
function toldToGuest(spec: GuestSpec, { virtType, registry }: HostFacts): XmlContent | undefined {
  const told: [string, string | number][] = [];
  if (virtType === 'qemu') told.push(['vcpus', spec.size.vcpus]);
  if (registry) told.push(['registry', registry.address]);
  if (registry?.authority) told.push(['registry-ca', registry.authority]);
  if (told.length === 0) return undefined;
  const entry = told.map(([name, text]) => ({ '@name': `opt/org.bellows/${name}`, '#': text }));
  return { '@type': 'fwcfg', entry };
}

/** x86-64-v2 on both: what today's distributions need, and what every host of the last decade can give. */
const cpuModel = {
  kvm: { name: 'Nehalem', features: [] },
  qemu: {
    name: 'qemu64',
    features: [
      ...['ssse3', 'sse4.1', 'sse4.2', 'popcnt'].map((name) => ({ '@policy': 'require', '@name': name })),
      { '@policy': 'disable', '@name': 'svm' },
    ],
  },
} as const;

function cpu(spec: GuestSpec, virtType: HostFacts['virtType']): XmlContent {
  const model = cpuModel[virtType];
  const cell = { '@id': 0, '@cpus': `0-${maxVcpus(spec) - 1}`, '@memory': spec.floor.ramMib, '@unit': 'MiB' };
  return {
    '@mode': 'custom',
    '@match': 'exact',
    '@check': 'none',
    model: { '@fallback': 'forbid', '#': model.name },
    feature: model.features,
    // virtio-mem hangs off a NUMA cell.
    numa: isElasticMemory(spec) ? { cell } : undefined,
  };
}

function memory(spec: GuestSpec): XmlContent {
  if (!isElasticMemory(spec))
    return { memory: mib(spec.floor.ramMib), currentMemory: mib(spec.floor.ramMib) };
  return {
    maxMemory: { '@slots': 16, ...mib(spec.ceiling.ramMib) },
    memory: mib(spec.ceiling.ramMib),
    currentMemory: mib(spec.ceiling.ramMib),
  };
}

function elasticMemory(spec: GuestSpec): XmlContent | undefined {
  if (!isElasticMemory(spec)) return undefined;
  return {
    '@model': 'virtio-mem',
    target: {
      size: mib(spec.ceiling.ramMib - spec.floor.ramMib),
      node: 0,
      block: { '@unit': 'KiB', '#': memoryBlockKib },
      requested: mib(Math.max(0, spec.size.ramMib - spec.floor.ramMib)),
    },
  };
}

/** The format is always named: a guest may write another format's header onto its disk. */
const disk = (path: string, format: string, target: string, extra: XmlContent): XmlContent => ({
  '@type': 'file',
  '@device': 'disk',
  driver: { '@name': 'qemu', '@type': format, '@cache': 'none', '@discard': 'unmap' },
  source: { '@file': path },
  target: { '@dev': target, '@bus': 'virtio' },
  ...extra,
});

function devices(spec: GuestSpec, facts: HostFacts, paths: DiskPaths): XmlContent {
  return {
    controller: [{ '@type': 'usb', '@model': 'none' }],
    disk: [
      disk(paths.root, spec.diskFormat, 'vda', { boot: { '@order': 1 } }),
      disk(paths.seed, 'raw', 'vdb', { readonly: {} }),
    ],
    interface: {
      '@type': 'bridge',
      mac: { '@address': spec.nic.mac },
      source: { '@bridge': facts.bridge },
      target: { '@dev': spec.nic.tap },
      model: { '@type': 'virtio' },
      // Guests boot from their disk: loading a network boot ROM only costs time.
      rom: { '@enabled': 'no' },
    },
    channel: [agentChannel, streamsChannel].map((name) => ({
      '@type': 'unix',
      source: { '@mode': 'bind' },
      target: { '@type': 'virtio', '@name': name },
    })),
    // A pseudo-terminal keeps nothing: what a guest writes while nobody reads is dropped, not stored.
    serial: { '@type': 'pty', target: { '@port': 0 } },
    console: { '@type': 'pty', target: { '@type': 'serial', '@port': 0 } },
    memballoon: { '@model': 'virtio', '@autodeflate': 'off', stats: { '@period': 1 } },
    rng: { '@model': 'virtio', backend: { '@model': 'random', '#': '/dev/urandom' } },
    memory: elasticMemory(spec),
  };
}

/**
 * A whole domain. Building it with a library keeps names and keys where they belong; characters that XML cannot
 * carry throw. The memory limit is not in it: libvirt would raise RLIMIT_MEMLOCK for it, which a libvirtd without
 * CAP_SYS_RESOURCE may not, and the start would fail. It is set on the paused guest, before its first instruction.
 */
export function domainXml(spec: GuestSpec, mark: InstanceMark, facts: HostFacts, paths: DiskPaths): string {
  const tcg = { 'tb-cache': { '@unit': 'MiB', '#': 128 } };
  return writeXml({
    domain: {
      '@type': facts.virtType,
      name: spec.instanceId,
      uuid: uuidOf('instance', spec.instanceId),
      metadata: markElement(mark),
      ...memory(spec),
      vcpu: { '@placement': 'static', '@current': presentVcpus(spec, facts.virtType), '#': maxVcpus(spec) },
      cputune: { global_period: cpuPeriodUs, global_quota: cpuQuotaUs(spec.size.vcpus) },
      sysinfo: toldToGuest(spec, facts),
      os: { type: { '@arch': 'x86_64', '@machine': machineType, '#': 'hvm' } },
      features: { acpi: {}, ...(facts.virtType === 'qemu' ? { tcg } : {}) },
      cpu: cpu(spec, facts.virtType),
      clock: { '@offset': 'utc' },
      on_poweroff: 'destroy',
      on_reboot: 'restart',
      on_crash: 'destroy',
      devices: devices(spec, facts, paths),
    },
  });
}
