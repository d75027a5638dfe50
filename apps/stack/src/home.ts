import { constants, existsSync } from 'node:fs';
import { access, chmod, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { dataFolderFor } from '@bellows/postgres/data-folder';

export class HomeUnusableError extends Error {
  constructor(home: string, why: string) {
    super(`BELLOWS_HOME ${home} cannot be used: ${why}. Set BELLOWS_HOME to a folder that you may write to.`);
    this.name = 'HomeUnusableError';
  }
}

/** Makes the home, for its owner's eyes only. Throws `HomeUnusableError`. */
export async function ensureHome(home: string): Promise<void> {
  try {
    await mkdir(join(home, 'logs'), { recursive: true, mode: 0o700 });
    await access(home, constants.W_OK | constants.X_OK);
    await chmod(home, 0o700);
  } catch (error) {
    throw new HomeUnusableError(home, (error as Error).message);
  }
}

/**
 * The folder of the embedded database. Root's is outside the home, which carries a link to it: a home without the
 * link is a new one, and must not find the database of an earlier home that was removed.
 */
export async function databaseFolder(home: string, say: (text: string) => void): Promise<string> {
  const folder = dataFolderFor(home);
  if (folder.startsWith(home)) return folder;
  const link = join(home, 'database');
  if ((await readlink(link).catch(() => null)) === folder) return folder;
  if (existsSync(folder) && !existsSync(join(home, 'hosts-enrolled'))) {
    const aside = `${folder}.old`;
    await rm(aside, { recursive: true, force: true });
    await rename(folder, aside);
    say(`an earlier cloud in this place was removed, but for its database; that is now ${aside}`);
  }
  await rm(link, { force: true });
  await symlink(folder, link);
  return folder;
}
