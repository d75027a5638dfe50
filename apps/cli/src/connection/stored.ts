import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../exit.js';
import type { Io } from '../io.js';

/** What `bellows login` keeps: one cloud, one token. */
export interface Login {
  readonly url: string;
  readonly token: string;
}

/** `$XDG_CONFIG_HOME/bellows/config.json`; relative values are ignored, as the XDG specification says. */
export function configFile(env: Io['env']): string {
  const xdg = env['XDG_CONFIG_HOME'];
  const folder = xdg?.startsWith('/') ? xdg : join(env['HOME'] || homedir(), '.config');
  return join(folder, 'bellows', 'config.json');
}

export async function readLogin(env: Io['env']): Promise<Login | null> {
  const path = configFile(env);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new UsageError(`Cannot read ${path}: ${error.message}`);
  });
  if (text === null) return null;
  try {
    const { url, token } = JSON.parse(text) as Partial<Login>;
    if (typeof url === 'string' && URL.canParse(url) && typeof token === 'string') return { url, token };
  } catch {
    // Falls through: not JSON is as bad as JSON of another shape.
  }
  throw new UsageError(`${path} is not what "bellows login" writes. Log in again.`);
}

/** Only its owner may read it; the file appears whole or not at all. */
export async function writeLogin(env: Io['env'], { url, token }: Login): Promise<string> {
  const path = configFile(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify({ url, token }, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, path);
  return path;
}

/** @returns false when there was none. */
export async function removeLogin(env: Io['env']): Promise<boolean> {
  try {
    await rm(configFile(env));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
