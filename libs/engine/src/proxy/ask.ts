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
  // Only TCP knows resets; and of a socket that is ending already libuv refuses one (uv_tcp_close_reset: EINVAL), after
  // which Node (20.20) has forgotten the handle without closing it.
  const resettable = far instanceof Socket && far.remoteFamily !== undefined;
  if (resettable && !far.writableEnded && !far.destroyed) far.resetAndDestroy();
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
