import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { ApiSettings } from './api-settings.js';
import { AppModule } from './app.module.js';
import { DockerProxy } from './docker/docker-proxy.js';
import { installDocker } from './docker/docker.routes.js';
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
  installDocker(fastify, app.getHttpServer(), app.get(DockerProxy), logger);
  serveDocs(fastify, openApiOf(app));
  await app.init();
  return app;
}

/** @returns the port, also when the kernel picked it. */
export async function listen(app: NestFastifyApplication, settings: ApiSettings): Promise<number> {
  await app.listen(settings.port, settings.bind);
  return (app.getHttpServer().address() as { port: number }).port;
}
