import { readFileSync } from 'node:fs';

const lookEveryMs = 1_000;
const shells = new Set(['sh', 'dash', 'bash', 'ash', 'busybox']);

const statusOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
};
const field = (status: string, name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';

/** Our parent, and when npm started us through a shell that waits for us, the shell's parent. */
function chain(): string {
  const status = statusOf(process.ppid);
  return shells.has(field(status, 'Name')) ? `${process.ppid} ${field(status, 'PPid')}` : `${process.ppid}`;
}

/** npm waits for what it started; when it is gone (killed, not Ctrl-C) nobody holds the foreground any more. */
export function whenParentEnds(ended: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const first = chain();
  const timer = setInterval(() => {
    if (chain() === first) return;
    clearInterval(timer);
    ended();
  }, lookEveryMs);
  timer.unref();
}
