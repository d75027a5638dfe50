import { readFile } from 'node:fs/promises';

/** A process id with its start time (clock ticks since boot), so that a reused id is not taken for it. */
export interface ProcessMark {
  readonly pid: number;
  readonly started: string;
}

/** Null when there is no such process, or only its zombie. */
export async function markOf(pid: number): Promise<ProcessMark | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // proc(5): the command may hold spaces and brackets; fields are counted after the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { pid, started: fields[19] ?? '' };
}

export async function isAlive(mark: ProcessMark): Promise<boolean> {
  return (await markOf(mark.pid))?.started === mark.started;
}

export async function commandOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0');
}

/** True when the process was gone within that time. */
export async function goneWithin(pid: number, ms: number): Promise<boolean> {
  const end = Date.now() + ms;
  while ((await markOf(pid)) !== null) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
