import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.js';
import { databaseUser } from './data-folder.js';

export interface Cluster {
  readonly data: string;
  readonly password: string;
}

/**
 * The cluster in that folder: user and database `bellows`, scram password in `password` (0600).
 * Made beside and renamed into place, so that a start that was killed half way leaves nothing half made.
 */
export async function ensureCluster(
  binaries: Binaries,
  folder: string,
  log: (line: string) => void,
): Promise<Cluster> {
  const data = join(folder, 'data');
  const passwordPath = join(folder, 'password');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    log('making a PostgreSQL cluster');
    const draft = join(folder, 'data.draft');
    await rm(draft, { recursive: true, force: true });
    await writeFile(passwordPath, randomBytes(24).toString('hex'), { mode: 0o600 });
    if (databaseUser) await chown(passwordPath, databaseUser.uid, databaseUser.gid);
    await run(binaries.initdb, [
      ...['-D', draft, '-U', 'bellows', '--pwfile', passwordPath, '--auth', 'scram-sha-256'],
      ...['--encoding', 'UTF8', '--locale', 'C', '--no-instructions'],
    ]);
    await run(binaries.postgres, ['--single', '-D', draft, 'postgres'], 'CREATE DATABASE bellows;\n');
    await rename(draft, data);
  }
  return { data, password: (await readFile(passwordPath, 'utf8')).trim() };
}

/** Runs a program as the database's user; throws with what it said when it fails. */
async function run(program: string, args: readonly string[], input = ''): Promise<void> {
  const child = spawn(program, args, {
    ...databaseUser,
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${program} failed (${code ?? signal}): ${said.trim().slice(-2000)}`);
}
