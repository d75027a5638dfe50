import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';

/** PostgreSQL refuses to run as root; then it runs as `nobody`. */
export const databaseUser: { uid: number; gid: number } | null =
  process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : null;

/**
 * Where the embedded database of a cloud lives. An ordinary user's is inside its home; root's is outside,
 * in a folder keyed by the home, because `nobody` may not be able to enter the home.
 */
export function dataFolderFor(bellowsHome: string, asRoot = databaseUser !== null): string {
  const home = resolve(bellowsHome);
  if (!asRoot) return join(home, 'postgres');
  return join('/var/lib/bellows/pg', createHash('sha256').update(home).digest('hex').slice(0, 16));
}
