import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, markOf } from './process-facts.js';
import type { ProcessMark } from './process-facts.js';

/** Another process, alive, runs PostgreSQL on this folder. */
export class FolderInUseError extends Error {
  constructor(
    folder: string,
    readonly pid: number,
  ) {
    super(`process ${pid} already runs PostgreSQL on ${folder}`);
    this.name = 'FolderInUseError';
  }
}

/** Takes the folder for this process until the returned function is called; a dead owner's lock is taken over. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'owner.json');
  const mark = await markOf(process.pid);
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(draft, JSON.stringify(mark), { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(draft, path); // fails when it exists, and appears with its content
        return () => rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = await ownerIn(path);
      if (owner && (await isAlive(owner))) throw new FolderInUseError(folder, owner.pid);
      await discardStale(path, `${draft}.stale`);
    }
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

/** Another process may have taken the lock since we looked: what was moved away is looked at again. */
async function discardStale(path: string, aside: string): Promise<void> {
  await rename(path, aside).catch(() => undefined);
  const owner = await ownerIn(aside);
  if (owner && (await isAlive(owner))) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function ownerIn(path: string): Promise<ProcessMark | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  try {
    return text === null ? null : (JSON.parse(text) as ProcessMark | null);
  } catch {
    return null;
  }
}
