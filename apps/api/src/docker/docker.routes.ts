import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Caller } from '@bellows/engine/proxy/exchange';
import type { Principal } from '@bellows/operations/cloud';
import { dockerPath, dockerRoute } from './docker-path.js';

/**
 * The one route that is not a controller: its bodies are streams of gigabytes and its answers are another server's,
 * so nothing of the framework may touch them.
 */
export function installDocker(fastify: FastifyInstance, server: Server, serve: Serve, logger: Logger): void {
  fastify.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    url: dockerRoute,
    exposeHeadRoute: false,
    config: { unhurried: true },
    // Before the framework would read the body.
    onRequest: (request, reply) => void serveCall(serve, request, reply),
    handler: () => undefined,
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (dockerPath(incoming.url ?? '') === null)
      return withoutUpgrade(server, incoming, socket as Socket, head);
    serveLogged(serve, { kind: 'upgrade', incoming, socket, head }, logger);
  });
}

/** A docker proxy with the way in that the requests come by. */
export type Serve = (
  caller: Caller,
  requestId: string,
  admitted: (principal: Principal) => void,
) => Promise<string | null>;

/** A request outside of the framework, which would log it. */
export function serveLogged(serve: Serve, caller: Caller, logger: Logger): void {
  if (caller.kind === 'upgrade') caller.socket.on('error', () => caller.socket.destroy());
  const requestId = randomBytes(12).toString('base64url');
  let token: string | undefined;
  const { method, url } = caller.incoming;
  void serve(caller, requestId, ({ actor }) => void (token = actor)).then((code) =>
    logger.debug({ requestId, method, url, token, code }, `a docker ${caller.kind} ended`),
  );
}

async function serveCall(serve: Serve, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.hijack();
  const caller = { kind: 'call', incoming: request.raw, outgoing: reply.raw } as const;
  reply.problemCode = await serve(caller, request.id, (principal) => void (request.principal = principal));
}

/**
 * Some clients offer HTTP/2 with every first request (RFC 9110, 7.8: a server may ignore it). Node hands the
 * connection over for any offer once somebody listens: here it is given back, with the offer taken out.
 */
function withoutUpgrade(server: Server, incoming: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = incoming;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    lines.push(`${name}: ${/^connection$/i.test(name) ? withoutOffer(value) : value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}

const withoutOffer = (connection: string): string =>
  connection
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option !== '' && !/^(upgrade|http2-settings)$/i.test(option))
    .join(', ') || 'keep-alive';
