import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  LogController,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import type { Logger } from 'pino';
import type { Settings } from '@bellows/config/settings';
import type { Metrics } from './metrics.js';
import { answerNoHttp } from './no-http.js';
import { answerError } from './problem.filter.js';
import { RouteTable } from './route-table.js';
import './request-context.js';

/** Large enough for the largest user data and a hundred keys; a client cannot make the process hold more. */
const bodyLimitBytes = 1024 * 1024;
const bodyWithinMs = 60_000;
const requestIdForm = /^[A-Za-z0-9._:/+=-]{1,128}$/;

function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && requestIdForm.test(given)
    ? given
    : randomBytes(12).toString('base64url');
}

export function fastifyAdapter(settings: Pick<Settings, 'tls'>, logger: Logger): FastifyAdapter {
  const { tls } = settings;
  const options = {
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestIdHeader: false as const,
    bodyLimit: bodyLimitBytes,
    // Node's own limit knows no exception for uploads; see `hurry`.
    requestTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle' as const,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerNoHttp,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerError(error, request, reply),
    ...(tls && { https: httpsOf(tls) }),
  };
  return new FastifyAdapter(options as unknown as FastifyServerOptions);
}

/** As over plain HTTP, a docker client that has no more to say (`docker run -i < file`) must still hear. */
const httpsOf = ({ certFile, keyFile }: NonNullable<Settings['tls']>) => ({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
  allowHalfOpen: true,
});

/** What every request passes besides its controller. */
export function installHooks(app: NestFastifyApplication, metrics: Metrics): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.decorateRequest('principal', null);
  fastify.decorateReply('problemCode', null);
  fastify.decorateReply('operationId', null);
  const routes = new RouteTable();
  fastify.addHook('onRoute', ({ url, method }) => routes.add(url, method));
  fastify.decorate('routes', routes);
  acceptBodies(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    hurry(request);
    void reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    metrics.observe(request, reply);
    logAnswer(request, reply);
    done();
  });
}

/** Bodies of the API are small: one that has not come in a minute is not waited for. */
function hurry({ raw, routeOptions }: FastifyRequest): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = raw.headers;
  if (routeOptions.config.unhurried || (length === '0' && encoding === undefined)) return;
  const late = setTimeout(() => {
    if (!raw.complete) answerNoHttp({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, raw.socket);
  }, bodyWithinMs);
  raw.once('end', () => clearTimeout(late)).once('close', () => clearTimeout(late));
}

/** JSON only. An empty body is no body, whatever its media type says: `curl -X POST -H 'Content-Type: …'`. */
function acceptBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser(
    /^application\/(json|[\w.-]+\+json)\s*(;|$)/i,
    { parseAs: 'string' },
    (request, body, done) => {
      if (body === '') done(null, undefined);
      else parse(request, body as string, done);
    },
  );
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(Object.assign(new Error('The body must be application/json.'), { statusCode: 415 }));
  });
}

function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode } = reply;
  // 502: a guest's engine failed, which is the guest's own affair.
  const level = statusCode >= 500 && statusCode !== 502 ? 'error' : statusCode >= 400 ? 'info' : 'debug';
  request.log[level](
    {
      method: request.method,
      url: request.url,
      status: statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      token: request.principal?.actor,
      ...(reply.operationId !== null && { operationId: reply.operationId }),
      ...(reply.problemCode !== null && { code: reply.problemCode }),
    },
    'answered',
  );
}
