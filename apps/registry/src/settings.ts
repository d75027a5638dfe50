import { isAbsolute, resolve } from 'node:path';
import { isIP } from 'node:net';

export interface RegistrySettings {
  /** Absolute path: certificates, keys, configuration, and what was pushed. */
  readonly folder: string;
  /** The program that keeps the images: Docker's registry, as Debian packs it. */
  readonly program: string;
  readonly bind: readonly string[];
  /** Null: 5000, or where that is taken another one, which is kept from then on. 0: the kernel picks one. */
  readonly port: number | null;
  /** Names by which clients come, beside the addresses it listens on. */
  readonly names: readonly string[];
  readonly control: { readonly host: string; readonly port: number; readonly secret: string };
  /** Where tokens are issued; null: the address in the file `api-url` of the folder. */
  readonly apiUrl: string | null;
  /** Hour of the day (UTC) at which space is given back; null: only when asked to. */
  readonly collectAtHour: number | null;
  /** A push that did nothing for so long is not waited for when space is given back. */
  readonly quietMs: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

const hostName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/** @throws Error that names the variable and what it should be. */
export function readSettings(env: Variables): RegistrySettings {
  const home = env['BELLOWS_HOME'];
  const folder = env['BELLOWS_REGISTRY_FOLDER'] || (home && resolve(home, 'registry'));
  if (!folder || !isAbsolute(folder)) throw new Error('BELLOWS_REGISTRY_FOLDER must be an absolute path');
  const apiUrl = env['BELLOWS_API_URL'] || null;
  if (apiUrl !== null && !/^https?:\/\/[^/]+\/?$/.test(apiUrl)) {
    throw new Error('BELLOWS_API_URL must be http://HOST:PORT or https://HOST:PORT');
  }
  return {
    folder,
    program: env['BELLOWS_REGISTRY_PROGRAM'] || '/usr/bin/docker-registry',
    bind: listOf(env, 'BELLOWS_REGISTRY_BIND', '127.0.0.1', (text) => isIP(text) > 0, 'IP addresses'),
    port: numberOf(env, 'BELLOWS_REGISTRY_PORT', 65_535),
    names: listOf(env, 'BELLOWS_REGISTRY_NAMES', '', (text) => hostName.test(text), 'host names'),
    control: controlOf(env),
    apiUrl,
    collectAtHour: env['BELLOWS_REGISTRY_COLLECT_HOUR'] === 'never' ? null : hourOf(env),
    quietMs: 30_000,
  };
}

function controlOf(env: Variables): RegistrySettings['control'] {
  const listen = env['BELLOWS_REGISTRY_CONTROL'] || '127.0.0.1:0';
  const parts = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(listen);
  const secret = env['BELLOWS_REGISTRY_SECRET'];
  if (!parts) throw new Error(`BELLOWS_REGISTRY_CONTROL must be HOST:PORT, not "${listen}"`);
  if (!secret || !/^[\x21-\x7e]{16,}$/.test(secret)) {
    throw new Error('BELLOWS_REGISTRY_SECRET must be set: 16 or more printable characters without spaces');
  }
  return { host: parts[1]!, port: Number(parts[2]), secret };
}

const hourOf = (env: Variables): number => numberOf(env, 'BELLOWS_REGISTRY_COLLECT_HOUR', 23) ?? 3;

function numberOf(env: Variables, name: string, most: number): number | null {
  const text = env[name];
  if (!text) return null;
  if (!/^\d{1,5}$/.test(text) || Number(text) > most) {
    throw new Error(`${name} must be a number from 0 to ${most}, not "${text}"`);
  }
  return Number(text);
}

function listOf(
  env: Variables,
  name: string,
  otherwise: string,
  fits: (text: string) => boolean,
  what: string,
): string[] {
  const list = (env[name] || otherwise)
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (list.every(fits)) return [...new Set(list)];
  throw new Error(`${name} must be ${what}, separated by commas, not "${env[name]}"`);
}
