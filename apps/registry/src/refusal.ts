import type { IncomingMessage, ServerResponse } from 'node:http';

/** Codes of the OCI distribution specification ("Error codes"), which clients switch on. */
export type RegistryCode =
  | 'BLOB_UPLOAD_INVALID'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNAVAILABLE'
  | 'UNSUPPORTED';

export interface Refusal {
  readonly status: number;
  readonly code: RegistryCode;
  /** What docker prints. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const refusal = (
  status: number,
  code: RegistryCode,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Refusal => ({ status, code, message, ...(headers && { headers }) });

/** Thrown where a refusal becomes known half way through a body. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
    this.name = 'Refused';
  }
}

/** A client that is still sending would not read an answer before its line is cut: it is heard out for so long. */
const drainMs = 5_000;

export function sendRefusal(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, code, message, headers }: Refusal,
): void {
  if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] });
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    ...(!incoming.complete && { connection: 'close' }),
    ...headers,
  });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  if (incoming.complete) return;
  const cut = setTimeout(() => incoming.destroy(), drainMs).unref();
  incoming.on('error', () => undefined).once('close', () => clearTimeout(cut));
  incoming.resume();
}
