import type { HeaderList } from './request.js';

/** The head of an answer as it may be sent to a caller. */
export interface CleanAnswer {
  readonly status: number;
  readonly headers: HeaderList;
}

export interface GuestAnswer {
  readonly status: number;
  /** Node's: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /** Whether a body follows: not for HEAD, 204 and 304. */
  readonly hasBody: boolean;
}

export const mostHeadBytes = 32 * 1024;
const mostHeaders = 64;

/**
 * What docker clients read of an answer; everything else stays in the guest. An allow list: what makes a browser
 * act on behalf of an origin (cookies, CORS, redirects, reports, policies) grows by a header a year.
 */
const passed =
  /^(content-encoding|api-version|builder-version|ostype|swarm|docker-[a-z-]{1,60}|x-docker-[a-z-]{1,60}|x-content-type-options)$/;
const replaced = new Set(['x-content-type-options']);

/** Types that no browser runs or renders as a page of ours, whatever the bytes are. */
const inert =
  /^(application\/(json|x-json-stream|json-seq|x-ndjson|tar|x-tar|x-tar\+gzip|gzip|x-gzip|zip|octet-stream|grpc|vnd\.docker\.[a-z0-9.+-]{1,80}|vnd\.oci\.[a-z0-9.+-]{1,80})|text\/plain)$/;

/** XML comes in many names and runs scripts. */
function typeOf(given: string | undefined): string {
  if (given === undefined) return 'application/octet-stream';
  const [type = '', ...parameters] = given.toLowerCase().split(';');
  const name = type.trim();
  if (!inert.test(name) || name.endsWith('+xml')) return 'application/octet-stream';
  const utf8 = parameters.some((parameter) => /^\s*charset\s*=\s*"?utf-8"?\s*$/.test(parameter));
  return utf8 ? `${name}; charset=utf-8` : name;
}

/** So that a page a guest serves is no page of ours: without scripts, without our origin, in nobody's cache. */
const imposed: HeaderList = [
  ['Content-Security-Policy', "sandbox; default-src 'none'"],
  ['X-Content-Type-Options', 'nosniff'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
];

/**
 * The head that a caller gets for what a guest answered.
 * @returns null for a head that is no answer to a request: too many headers, a status of HTTP's own, or a coding of no engine's.
 */
export function cleanAnswer({ status, rawHeaders, hasBody }: GuestAnswer): CleanAnswer | null {
  if (rawHeaders.length > 2 * mostHeaders) return null;
  if (status !== 101 && (status < 200 || status > 599)) return null;
  const headers: [string, string][] = [];
  let type: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    const value = rawHeaders[at + 1]!;
    if (name === 'content-type') type ??= value;
    // Any other coding would be passed on as if it were none.
    if (name === 'transfer-encoding' && value.toLowerCase() !== 'chunked') return null;
    // The parser has made sure of its form, and that it comes alone.
    if (name === 'content-length' && status !== 101) headers.push(['Content-Length', value]);
    if (passed.test(name) && !replaced.has(name)) headers.push([rawHeaders[at]!, value]);
  }
  if (hasBody || type !== undefined) headers.push(['Content-Type', typeOf(type)]);
  headers.push(...imposed.map(([name, value]): [string, string] => [name, value]));
  return { status, headers };
}
