import { engineTarget } from './target.js';

/** Names and values, one by one, in the order they are sent; a name may come more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The protocols a Docker client takes a connection over with: streams of attach and exec, and BuildKit's HTTP/2. */
export type UpgradeProtocol = 'tcp' | 'h2c';

/** A request as it may be sent to a container engine. */
export interface EngineRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly upgrade: UpgradeProtocol | null;
  /** Bytes of body that follow; null: chunked, as many as come. */
  readonly bodyBytes: number | null;
}

export interface CallerRequest {
  readonly method: string;
  /** As it was sent, after the `…/docker` of the route. */
  readonly path: string;
  /** Node's: name, value, name, value. */
  readonly rawHeaders: readonly string[];
}

/** A request that cannot be passed on; `message` is fit to be shown. */
export interface Unfit {
  readonly unfit: string;
}
export const isUnfit = (verdict: object): verdict is Unfit => 'unfit' in verdict;

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
/** Two of these can be read as two different requests. */
const single = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'authorization', 'upgrade', 'content-type', 'expect'],
]);
/**
 * What an engine has a use for; everything else stays here. An allow list: what a caller's own gateway or browser
 * adds carries its secrets under names that no list of ours would know.
 * X-Registry-Auth and X-Registry-Config are the client's word to its own daemon.
 */
const passed =
  /^(accept|accept-encoding|content-type|content-encoding|user-agent|x-registry-(auth|config)|x-docker-[a-z-]{1,60}|traceparent|tracestate)$/;
const lengthForm = /^\d{1,15}$/;
/** What comes before an upgrade is a few fields of JSON. */
const mostUpgradeBodyBytes = 64 * 1024;
const reads = new Set(['GET', 'HEAD']);

/** All that is said of a header, by its name in lower case. */
function gather(rawHeaders: readonly string[]): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    const values = all.get(name);
    if (values) values.push(rawHeaders[at + 1]!);
    else all.set(name, [rawHeaders[at + 1]!]);
  }
  return all;
}

/** Names that the caller's Connection header makes hop-by-hop (RFC 9110, 7.6.1). */
const nominated = (all: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> =>
  new Set((all.get('connection') ?? []).flatMap((value) => value.toLowerCase().split(/[\s,]+/)));

function framing(all: ReadonlyMap<string, readonly string[]>): number | null | Unfit {
  const length = all.get('content-length')?.[0];
  const encoding = all.get('transfer-encoding')?.[0];
  if (encoding === undefined) {
    if (length === undefined) return 0;
    return lengthForm.test(length) ? Number(length) : { unfit: 'Content-Length must be a number.' };
  }
  if (length !== undefined) return { unfit: 'Content-Length and Transfer-Encoding exclude each other.' };
  return encoding.toLowerCase() === 'chunked' ? null : { unfit: 'Transfer-Encoding must be chunked.' };
}

/**
 * The request that the engine gets for what a caller sent: the path checked and not touched, of the headers only
 * those an engine needs, the framing said anew. Nothing that shows who the caller is goes with it.
 */
export function cleanRequest({ method, path, rawHeaders }: CallerRequest): EngineRequest | Unfit {
  if (!methods.has(method)) return { unfit: `The method ${method.slice(0, 20)} is not passed on.` };
  const target = engineTarget(path);
  if (!target) return { unfit: 'The path holds a dot segment, an empty segment or an encoding it may not.' };
  const all = gather(rawHeaders);
  for (const [name, values] of all) {
    if (single.has(name) && values.length > 1) return { unfit: `The header ${name} is there twice.` };
  }
  const bodyBytes = framing(all);
  if (bodyBytes !== null && typeof bodyBytes === 'object') return bodyBytes;
  const asked = all.get('upgrade')?.[0]?.toLowerCase();
  if (asked !== undefined && asked !== 'tcp' && asked !== 'h2c') {
    return { unfit: 'Upgrade must be tcp or h2c.' };
  }
  const hopByHop = nominated(all);
  const upgrade = asked !== undefined && hopByHop.has('upgrade') ? asked : null;
  if (upgrade && (bodyBytes === null || bodyBytes > mostUpgradeBodyBytes)) {
    return { unfit: `A request to upgrade has at most ${mostUpgradeBodyBytes} bytes of body.` };
  }
  const headers: [string, string][] = [['Host', 'docker']];
  for (const [name, values] of all) {
    if (!passed.test(name) || hopByHop.has(name)) continue;
    for (const value of values) headers.push([name, value]);
  }
  if (bodyBytes === null) headers.push(['Transfer-Encoding', 'chunked']);
  else if (bodyBytes > 0 || !reads.has(method)) headers.push(['Content-Length', String(bodyBytes)]);
  headers.push(['Connection', upgrade ? 'Upgrade' : 'close']);
  if (upgrade) headers.push(['Upgrade', upgrade]);
  return { method, path: target.path + target.query, headers, upgrade, bodyBytes };
}
