import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../exit.js';
import type { Io } from '../io.js';
import { readLogin, type Login } from './stored.js';

export interface Where extends Login {
  /** To be told to the user; null when the user said it. */
  readonly note: string | null;
}

/** An origin such as `http://127.0.0.1:3000`, without a path of its own. */
export function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.password)
    throw new UsageError(`"${text}" is no URL of a cloud; expected one such as http://127.0.0.1:3000.`);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/**
 * Which cloud, and with which token. --url and the environment win over what was stored, and a stored token goes
 * to the cloud it was stored for and to no other.
 */
export async function whereToGo(io: Io, urlOption: string | undefined): Promise<Where> {
  const { BELLOWS_URL: envUrl, BELLOWS_TOKEN: envToken } = io.env;
  const asked = urlOption ?? (envUrl || undefined);
  const url = asked === undefined ? undefined : originOf(asked);
  if (envToken && url) return { url, token: envToken, note: null };
  const stored = await readLogin(io.env);
  if (envToken && stored) return { url: stored.url, token: envToken, note: null };
  if (stored && (url === undefined || url === stored.url)) return { ...stored, note: null };
  const local = await localCloud(io);
  if (envToken)
    return { url: local.url, token: envToken, note: `using ${local.url}; set BELLOWS_URL to choose another` };
  if (local.token && (url === undefined || url === local.url)) {
    return {
      url: local.url,
      token: local.token,
      note: `not logged in; using ${local.url} with ${local.shown}`,
    };
  }
  if (url)
    throw new UsageError(`There is no token for ${url}. Run "bellows login ${url}", or set BELLOWS_TOKEN.`);
  throw new UsageError('Not logged in. Run "bellows login URL", or set BELLOWS_URL and BELLOWS_TOKEN.');
}

/** The cloud that `npm start` runs from this folder with its default settings. */
async function localCloud({ env, cwd }: Io) {
  const scheme = env['BELLOWS_TLS_CERT'] ? 'https' : 'http';
  const port = Number(env['BELLOWS_PORT'] || 3000);
  const home = env['BELLOWS_HOME'] || './.bellows';
  const path = resolve(cwd, home, 'admin-token');
  const token = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
  return { url: `${scheme}://127.0.0.1:${port}`, token, shown: join(home, 'admin-token') };
}
