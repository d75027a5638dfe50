import { readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes what a cloud kept: its home, and root's database, which lies outside where the home's link says. */
export async function removeHome(home: string): Promise<void> {
  const database = await readlink(join(home, 'database')).catch(() => null);
  for (const folder of database ? [database, `${database}.old`] : []) {
    await rm(folder, { recursive: true, force: true });
  }
  await rm(home, { recursive: true, force: true });
}
