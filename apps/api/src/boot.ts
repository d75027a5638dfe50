import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Authenticator } from '@bellows/operations/token/authenticate';
import type { ApiSettings } from './api-settings.js';
import { AppModule } from './app.module.js';
import { DockerPort } from './docker/docker-port.js';
import { DockerProxy } from './docker/docker-proxy.js';
import { installDocker, type Serve } from './docker/docker.routes.js';
import { byHeader } from './docker/way-in.js';
import { serveDocs } from './docs/docs.js';
import { openApiOf } from './docs/openapi.js';
import { fastifyAdapter, installHooks } from './http/fastify.js';
import { NestLog } from './http/logger.js';
import { Metrics } from './http/metrics.js';

/** The API, ready to listen. */
export async function boot(settings: ApiSettings, logger: Logger): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(settings, logger),
    fastifyAdapter(settings, logger),
    { bodyParser: false, logger: new NestLog(logger), abortOnError: false },
  );
  installHooks(app, app.get(Metrics));
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const proxy = app.get(DockerProxy);
  const way = byHeader(app.get(Authenticator));
  const serve: Serve = (caller, requestId, admitted) => proxy.serve(way, caller, requestId, admitted);
  installDocker(fastify, app.getHttpServer(), serve, logger);
  serveDocs(fastify, openApiOf(app));
  await app.init();
  return app;
}

/** @returns the port, also when the kernel picked it. */
export async function listen(app: NestFastifyApplication, settings: ApiSettings): Promise<number> {
  await app.listen(settings.port, settings.bind);
  return (app.getHttpServer().address() as { port: number }).port;
}

/** Where docker clients show a certificate. @returns the port; null when it is switched off. */
export const listenForDocker = (app: NestFastifyApplication): Promise<number | null> =>
  app.get(DockerPort).open();
