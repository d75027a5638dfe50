import { ServerResponse, STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HeaderList } from './request.js';
import { problemBody, problemType, type EngineProblem } from './problem.js';

/** How long what a caller still sends is read and thrown away, so that it gets to read the answer. */
const lingerMs = 5_000;

/** The request's body was not wanted: reads it to its end, or ends the connection. */
export function linger(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  incoming.resume();
  const late = setTimeout(() => incoming.destroy(), lingerMs).unref();
  incoming.once('close', () => clearTimeout(late));
  incoming.on('error', () => undefined);
}

/** An answer to a request whose connection Node has let go of because it asked for an upgrade. */
export function replyOn(socket: Duplex, incoming: IncomingMessage): ServerResponse {
  const reply = new ServerResponse(incoming);
  reply.shouldKeepAlive = false;
  reply.assignSocket(socket as Socket);
  reply.on('finish', () => {
    reply.detachSocket(socket as Socket);
    socket.end();
    const late = setTimeout(() => socket.destroy(), lingerMs).unref();
    socket.once('close', () => clearTimeout(late));
    socket.resume(); // what follows is no request any more
  });
  socket.on('error', () => socket.destroy());
  return reply;
}

/** Answers with a problem of ours; the caller's body, if any, is not read further than politeness asks. */
export function replyProblem(
  outgoing: ServerResponse,
  problem: EngineProblem,
  headers: HeaderList = [],
  more: Readonly<Record<string, unknown>> = {},
): void {
  const body = problemBody(problem, more);
  const own: HeaderList = [
    ['Content-Type', problemType],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['X-Content-Type-Options', 'nosniff'],
    ['Cache-Control', 'no-store'],
    ...headers,
  ];
  outgoing.writeHead(problem.status, STATUS_CODES[problem.status] ?? '', own.flat());
  outgoing.end(body);
  linger(outgoing.req);
}
