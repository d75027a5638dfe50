/** How long something takes on a real server: drawn evenly between the two. */
export interface Latency {
  readonly minMs: number;
  readonly maxMs: number;
  /** Where the figures come from: measured (and on what), or an estimate. */
  readonly source: string;
}

/** Debian 12, two shared cores, libvirt 9.0.0, QEMU 7.2.22 under TCG, guest kernel 6.1 cloud, over the RPC socket. */
const measured = (what: string) => `measured, libvirt 9.0 and QEMU 7.2 under TCG: ${what}`;

export const latencies = {
  lookup: { minMs: 0.09, maxMs: 0.14, source: measured('bare RPC 0.09 ms, domainGetInfo 0.14 ms') },
  askAgent: { minMs: 9, maxMs: 13, source: measured('virtio-serial round trip 11 ms') },
  volumes: {
    minMs: 150,
    maxMs: 400,
    source: 'estimate: copy of a 70-200 MB image within one pool, and a seed',
  },
  define: { minMs: 2.6, maxMs: 3, source: measured('domainDefineXML 2.8 ms') },
  create: { minMs: 380, maxMs: 450, source: measured('domainCreate 418 ms, until QEMU runs') },
  bootMicro: {
    minMs: 3000,
    maxMs: 4000,
    source: measured('busybox initrd, create call to agent ready 3-4 s'),
  },
  boot: {
    minMs: 18_000,
    maxMs: 21_000,
    source: measured('Debian minbase, systemd, agent: 18-21 s on a quiet host'),
  },
  vcpuPlug: { minMs: 21, maxMs: 25, source: measured('setVcpus 23 ms for each CPU added') },
  vcpuOnline: { minMs: 120, maxMs: 310, source: measured('seen in the guest 0.12-0.31 s after the call') },
  vcpuOffline: { minMs: 40, maxMs: 460, source: measured('guest-set-vcpus 0.04-0.46 s, both ways') },
  memoryCall: { minMs: 2.2, maxMs: 2.6, source: measured('virtio-mem requested size, updateDevice 2.4 ms') },
  memoryGrow: { minMs: 70, maxMs: 1000, source: measured('virtio-mem grow, in the guest 0.07-1.0 s') },
  memoryShrink: { minMs: 200, maxMs: 3800, source: measured('virtio-mem shrink, in the guest 0.2-3.8 s') },
  limits: { minMs: 1.6, maxMs: 2, source: measured('schedinfo quota 1.8 ms') },
  diskGrow: {
    minMs: 3,
    maxMs: 5,
    source: measured('blockResize 4 ms; the file system follows in 0.6-1.0 s'),
  },
  shutdown: { minMs: 800, maxMs: 3000, source: 'estimate: ACPI power button to power off of a small Debian' },
  destroy: {
    minMs: 1400,
    maxMs: 1600,
    source: measured('domainDestroy 1.4-1.6 s, QEMU takes that long to exit'),
  },
  remove: {
    minMs: 5,
    maxMs: 10,
    source: 'estimate: undefine, two volume deletions and the rules, about 3 ms each',
  },
} as const satisfies Record<string, Latency>;

export type LatencyName = keyof typeof latencies;

/**
 * @param scale 1 as measured, 0 none.
 * @param chance 0 up to 1.
 * @returns milliseconds.
 */
export function drawMs(name: LatencyName, scale: number, chance: number): number {
  const { minMs, maxMs } = latencies[name];
  return scale * (minMs + (maxMs - minMs) * chance);
}
