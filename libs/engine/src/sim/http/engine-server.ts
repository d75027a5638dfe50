import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { asDockerError } from '../containers/archive.js';
import { DockerError, notFound } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { serverVersion } from '../system/about.js';
import { containerRoutes } from './container-routes.js';
import { sendJson, type Exchange } from './exchange.js';
import { imageRoutes } from './image-routes.js';
import { networkRoutes } from './network-routes.js';
import { match, newestVersion, versioned, type Route } from './router.js';
import { systemRoutes } from './system-routes.js';

const routes: readonly Route[] = [...systemRoutes, ...containerRoutes, ...networkRoutes, ...imageRoutes];

/** The Docker Engine API over any byte stream; which engine answers depends on the stream. */
export class EngineServer {
  private readonly http: Server;

  constructor(private readonly engineOf: (stream: Duplex) => Engine | null) {
    this.http = createServer({
      maxHeaderSize: 32 * 1024,
      keepAlive: false,
      requestTimeout: 0,
      headersTimeout: 60_000,
    });
    this.http.keepAliveTimeout = 0;
    this.http.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.answer(request, response, request.socket, Buffer.alloc(0)).catch(() => request.socket.destroy());
    });
    this.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.answer(request, null, socket, head).catch(() => socket.destroy());
    });
  }

  accept(stream: Duplex): void {
    stream.on('error', () => stream.destroy());
    this.http.emit('connection', stream);
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse | null,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    response
      ?.setHeader('Server', `Docker/${serverVersion} (linux)`)
      .setHeader('Api-Version', String(newestVersion));
    response?.setHeader('Docker-Experimental', 'false').setHeader('Ostype', 'linux');
    response?.on('error', () => response.destroy());
    const engine = this.engineOf(socket);
    if (!engine) return void socket.destroy();
    const method = request.method ?? 'GET';
    const bare = {
      engine,
      request,
      response,
      socket,
      method,
      head,
      path: '',
      params: [],
      query: new URLSearchParams(),
      version: newestVersion,
    };
    try {
      await dispatch(bare);
    } catch (error) {
      refuse(bare, error);
    }
  }
}

async function dispatch(bare: Exchange): Promise<void> {
  const url = bare.request.url ?? '/';
  const cut = url.indexOf('?');
  const query = new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1));
  const { path, version } = versioned(cut < 0 ? url : url.slice(0, cut));
  const found = match(routes, bare.method, path);
  if (!found) throw notFound('page not found');
  await found.handler({ ...bare, path, query, version, params: found.params });
}

function refuse(exchange: Exchange, thrown: unknown): void {
  const { response, socket } = exchange;
  const error = asDockerError(thrown);
  if (response ? response.headersSent : socket.writableEnded || socket.destroyed)
    return void socket.destroy();
  if (error instanceof DockerError) return sendJson(exchange, error.status, { message: error.message });
  // A broken promise of the model: said, and not hidden.
  sendJson(exchange, 500, {
    message: `the simulator failed: ${error instanceof Error ? error.message : String(error)}`,
  });
}
