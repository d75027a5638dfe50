import { DockerError } from '../docker-error.js';
import type { Exchange } from './exchange.js';

export type Handler = (exchange: Exchange) => Promise<void> | void;

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handler: Handler;
}

/** `/containers/{}/json`; `{*}` takes slashes too, as image names have them. */
export function route(method: string, shape: string, handler: Handler): Route {
  const pattern = shape.replace(/\./g, '\\.').replaceAll('{*}', '(.+)').replaceAll('{}', '([^/]+)');
  return { method, pattern: new RegExp(`^${pattern}$`), handler };
}

export const newestVersion = 1.45;
export const oldestVersion = 1.24;

/** 1.5 is older than 1.45: parts are compared, not decimals. */
const minorOf = (version: string): number => Number(version.split('.')[1]);

/** The path without its version. @throws DockerError 400 for versions this engine does not speak */
export function versioned(path: string): { path: string; version: number } {
  const parts = /^\/v(\d+\.\d+)(\/.*)$/.exec(path);
  if (!parts) return { path, version: newestVersion };
  const [, version = '', rest = ''] = parts;
  const asked = Number(version.split('.')[0]) === 1 ? minorOf(version) : Number.POSITIVE_INFINITY;
  if (asked > 45)
    throw new DockerError(
      400,
      `client version ${version} is too new. Maximum supported API version is ${newestVersion}`,
    );
  if (asked < 24)
    throw new DockerError(
      400,
      `client version ${version} is too old. Minimum supported API version is ${oldestVersion}, please upgrade your client to a newer version`,
    );
  return { path: rest, version: Number(version) };
}

/** The first route that fits, and the parts of the path it names; null for none. */
export function match(
  routes: readonly Route[],
  method: string,
  path: string,
): { handler: Handler; params: string[] } | null {
  for (const candidate of routes) {
    if (candidate.method !== method) continue;
    const parts = candidate.pattern.exec(path);
    if (parts) return { handler: candidate.handler, params: parts.slice(1).map(decoded) };
  }
  return null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DockerError(400, `invalid URL escape "${text}"`);
  }
}
