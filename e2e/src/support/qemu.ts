import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { processes } from './processes.js';
import { run } from './host.js';

export const virsh = async (...args: string[]): Promise<string> =>
  (await run('virsh', ['-c', 'qemu:///system', ...args], { maxBuffer: 1 << 24 })).stdout;

export const monitor = async (id: string, command: string): Promise<string> =>
  (await virsh('qemu-monitor-command', id, '--hmp', command)).replaceAll('\r', '');

const number = (path: string): number => Number(readFileSync(path, 'utf8'));
const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** The memory cgroup of a guest's QEMU, as the host's kernel has it (version 1 or 2). */
export class MemoryGroup {
  private constructor(
    private readonly folder: string,
    private readonly unified: boolean,
  ) {}

  static of(id: string): MemoryGroup {
    const pid = readFileSync(`/run/libvirt/qemu/${id}.pid`, 'utf8').trim();
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
    const own = lines.find((line) => /^\d+:([^:]*,)?memory(,[^:]*)?:/.test(line));
    if (own) return new MemoryGroup(`/sys/fs/cgroup/memory${own.replace(/^[^:]*:[^:]*:/, '')}`, false);
    // libvirt splits a guest's group in two below the one that carries the limit.
    const path = lines.find((line) => line.startsWith('0::'))!.slice(3);
    return new MemoryGroup(`/sys/fs/cgroup${path.replace(/\/libvirt\/.*$|\/emulator$/, '')}`, true);
  }

  usageMib(): number {
    return mib(number(`${this.folder}/${this.unified ? 'memory.current' : 'memory.usage_in_bytes'}`));
  }

  limitMib(): number {
    return mib(number(`${this.folder}/${this.unified ? 'memory.max' : 'memory.limit_in_bytes'}`));
  }

  exists(): boolean {
    return existsSync(this.folder);
  }

  /** 0 once QEMU is gone. */
  tryUsageMib(): number {
    try {
      return this.usageMib();
    } catch {
      return 0;
    }
  }
}

/** What QEMU and the CPU quota give a running guest now, asked without Bellows. */
export async function enforced(id: string): Promise<{ vcpus: number; ramMib: number; diskGib: number }> {
  const [schedule, devices, cpus, disk] = await Promise.all([
    virsh('schedinfo', id),
    monitor(id, 'info memory-devices'),
    monitor(id, 'info memory_size_summary'),
    virsh('domblkinfo', id, 'vda'),
  ]);
  const quota = Number(/global_quota\s*:\s*(-?\d+)/.exec(schedule)![1]);
  const period = Number(/global_period\s*:\s*(\d+)/.exec(schedule)![1]);
  const plugged = Number(/^\s*size: (\d+)/m.exec(devices)?.[1] ?? 0);
  const base = Number(/base memory: (\d+)/.exec(cpus)![1]);
  return {
    vcpus: quota / period,
    ramMib: mib(base + plugged),
    diskGib: Number(/Capacity:\s*(\d+)/.exec(disk)![1]) / 2 ** 30,
  };
}

/** Element names of a domain's description, in order: what a value that broke out would change. */
export async function shapeOf(id: string): Promise<string[]> {
  const xml = await virsh('dumpxml', '--inactive', id);
  return [...xml.matchAll(/<(\/?[A-Za-z][\w:-]*)/g)].map(([, name]) => name!);
}

/** The worker's own figures; the event loop's p99 is since the last time it was asked. */
export async function workerFigures(port: number): Promise<{ loopP99Ms: number; rssMib: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'm').exec(text)![1]);
  return {
    loopP99Ms: Math.round(value('nodejs_eventloop_lag_p99_seconds') * 1e4) / 10,
    rssMib: mib(value('process_resident_memory_bytes')),
  };
}

/** MiB resident in libvirt's daemons and taken from the disks that they write to. */
export function daemonFigures(): { libvirtdMib: number; virtlogdMib: number; diskUsedMib: number } {
  const rss = (name: string) =>
    processes()
      .filter(({ command }) => new RegExp(`(^|/)${name}( |$)`).test(command))
      .map(({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0))
      .reduce((most, kib) => Math.max(most, Math.round(kib / 1024)), 0);
  const { blocks, bfree, bsize } = statfsSync('/var/log');
  return {
    libvirtdMib: rss('libvirtd'),
    virtlogdMib: rss('virtlogd'),
    diskUsedMib: mib((blocks - bfree) * bsize),
  };
}

/** What a guest of Bellows carries in its metadata. */
export async function markOf(id: string): Promise<{
  text: string;
  controller: string;
  fence: number;
  overheadMib: number;
}> {
  const text = (await virsh('metadata', id, '--uri', 'urn:bellows:instance:1')).trim();
  const value = (name: string) => new RegExp(` ${name}=["']([^"']*)`).exec(text)![1]!;
  return {
    text,
    controller: value('controller'),
    fence: Number(value('fence')),
    overheadMib: Number(value('overhead')),
  };
}
