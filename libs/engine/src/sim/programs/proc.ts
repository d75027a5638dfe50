import type { Machine } from '../shell/machine.js';
import type { ProcessTable } from '../shell/process.js';

export const kernelRelease = '6.1.0-bellows-sim';

/** Of the whole instance, as `/proc/meminfo` in a container shows it too. */
export function memInfo(machine: Machine, table: ProcessTable): { totalKib: number; usedKib: number } {
  const totalKib = machine.size().ramMib * 1024;
  return { totalKib, usedKib: Math.min(totalKib, Math.ceil(table.memory() / 1024) + 76 * 1024) };
}

export const loadAverage = (table: ProcessTable): string => {
  const load = table.busyCores().toFixed(2);
  return `${load}, ${load}, ${load}`;
};

/** Files of `/proc` and `/sys` that are made up when read. */
export function procFiles(machine: Machine, table: ProcessTable): [string, () => string][] {
  const { clock } = machine;
  const seconds = () =>
    ((clock.now() - (table.processes.get(1)?.startedAt ?? clock.now())) / 1000).toFixed(2);
  const quota = () => machine.cpuLimit();
  return [
    ['/proc/meminfo', () => meminfoText(machine, table)],
    ['/proc/cpuinfo', () => cpuinfoText(machine.size().vcpus)],
    ['/proc/uptime', () => `${seconds()} ${seconds()}\n`],
    ['/proc/loadavg', () => `${loadAverage(table).replaceAll(',', '')} 1/${table.processes.size} 1\n`],
    ['/proc/version', () => `Linux version ${kernelRelease} (Bellows simulator)\n`],
    ['/proc/1/cgroup', () => '0::/\n'],
    ['/proc/self/cgroup', () => '0::/\n'],
    ['/proc/1/cmdline', () => (table.processes.get(1)?.argv ?? []).map((word) => `${word}\0`).join('')],
    ['/proc/sys/kernel/hostname', () => `${machine.hostname}\n`],
    ['/proc/sys/kernel/osrelease', () => `${kernelRelease}\n`],
    ['/sys/fs/cgroup/memory.max', () => `${machine.memoryLimit() ?? 'max'}\n`],
    ['/sys/fs/cgroup/memory.current', () => `${table.memory()}\n`],
    ['/sys/fs/cgroup/cpu.max', () => `${quota() === null ? 'max' : Math.round(quota()! * 100_000)} 100000\n`],
    ['/sys/fs/cgroup/pids.current', () => `${table.processes.size}\n`],
  ];
}

function meminfoText(machine: Machine, table: ProcessTable): string {
  const { totalKib, usedKib } = memInfo(machine, table);
  const line = (name: string, kib: number) => `${`${name}:`.padEnd(16)}${String(kib).padStart(8)} kB\n`;
  const free = totalKib - usedKib;
  return (
    line('MemTotal', totalKib) +
    line('MemFree', free) +
    line('MemAvailable', free) +
    line('SwapTotal', 0) +
    line('SwapFree', 0)
  );
}

function cpuinfoText(vcpus: number): string {
  const one = (i: number) =>
    `processor\t: ${i}\nvendor_id\t: Bellows\nmodel name\t: Bellows simulated CPU\ncpu MHz\t\t: 2000.000\ncpu cores\t: ${vcpus}\n\n`;
  return Array.from({ length: vcpus }, (_, i) => one(i)).join('');
}
