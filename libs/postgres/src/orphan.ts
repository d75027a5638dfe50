import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandOf, goneWithin, markOf } from './process-facts.js';

/**
 * A server that outlived its parent is stopped; a pid file whose number now names some other process is removed
 * (PostgreSQL itself would refuse to start over it). The folder's lock is ours, so nobody needs that server.
 */
export async function stopOrphan(data: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  if ((await markOf(pid)) === null) return; // stale: PostgreSQL recovers from that by itself
  if (!(await commandOf(pid)).includes(data)) {
    await rm(pidFile, { force: true });
    return;
  }
  log(`stopping the PostgreSQL (pid ${pid}) that an earlier run left`);
  for (const [signal, ms] of [
    ['SIGINT', 20_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await goneWithin(pid, ms)) return;
  }
  throw new Error(`process ${pid} on ${data} does not stop`);
}
