import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from './settings.js';

/**
 * The text of a file in the home; made on first use, mode 0600. Safe when several processes start at once:
 * the file appears whole or not at all, and all of them read the same text.
 */
async function ensureText(home: string, name: string, make: () => string): Promise<string> {
  const path = join(home, name);
  const read = async () => (await readFile(path, 'utf8')).trim();
  const found = await read().catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found) return found;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, `${make()}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return read();
}

/** `BELLOWS_ADMIN_TOKEN`, or the one kept in `$BELLOWS_HOME/admin-token`. */
export const ensureAdminToken = async (settings: Settings): Promise<string> =>
  settings.adminToken ??
  ensureText(settings.home, 'admin-token', () => `bws_${randomBytes(32).toString('base64url')}`);
