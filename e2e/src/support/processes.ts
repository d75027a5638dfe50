import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly command: string;
}

/** Every process of this machine, from /proc. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), ppid: Number(/^PPid:\s+(\d+)/m.exec(status)![1]), command }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}

export function descendants(pid: number): Process[] {
  const all = processes();
  const below = (parent: number): Process[] =>
    all.filter(({ ppid }) => ppid === parent).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

/** The worker among the processes a supervisor started. */
export function workerOf(supervisor: number): Process {
  const worker = descendants(supervisor).find(({ command }) => /apps\/worker\/dist\/main\.js/.test(command));
  if (!worker) throw new Error('the supervisor has no worker');
  return worker;
}
