import { request as httpRequest, type ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { mostHeadBytes } from './answer.js';
import type { EngineRequest } from './request.js';

/**
 * Cuts a stream both ways. A connection that is merely closed looks to the other end like one that has no more to
 * say but still listens; a reset does not.
 */
export function cut(far: Duplex): void {
  // Only TCP knows resets.
  if (far instanceof Socket && far.remoteFamily !== undefined) far.resetAndDestroy();
  else far.destroy();
}

/** Begins one request on a stream of its own. The head of the answer is read strictly and has a largest size. */
export function askOn(far: Duplex, { method, path, headers }: EngineRequest): ClientRequest {
  const asked = httpRequest({
    createConnection: () => far as Socket,
    method,
    path,
    headers: headers.flat(),
    maxHeaderSize: mostHeadBytes,
    insecureHTTPParser: false,
  });
  // Beyond it Node would leave headers out in silence; the cleaning counts them.
  asked.maxHeadersCount = 100;
  // Small frames of a terminal or of HTTP/2 must not wait for one another.
  (far as Partial<Socket>).setNoDelay?.(true);
  return asked;
}
