import { Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { Admission } from '@bellows/operations/instance/create';
import { Authenticator } from '@bellows/operations/token/authenticate';
import { OperationEnds } from '@bellows/operations/views/wait';
import { controllers } from '../controllers.js';
import { DockerAuthorities } from '../docker/authorities.js';
import { DockerPort } from '../docker/docker-port.js';
import { EngineJobStreams } from '../engine-jobs/engine-job-streams.js';
import { Metrics } from '../http/metrics.js';
import { RateLimit } from '../http/rate-limit.js';
import { CLOUD, FLEET_PROBE, MODELLED_SERVERS } from '../provider-names.js';
import { REGISTRY } from '../registry/registry-parts.js';
import { openApiOf } from './openapi.js';

/** The routes with nothing behind them: describing them needs no database. */
const absent = [
  CLOUD,
  MODELLED_SERVERS,
  FLEET_PROBE,
  Admission,
  Authenticator,
  OperationEnds,
  RateLimit,
  REGISTRY,
  DockerAuthorities,
  DockerPort,
  EngineJobStreams,
  Metrics,
  HealthCheckService,
  HealthIndicatorService,
].map((provide): Provider => ({ provide, useValue: null }));

@Module({ controllers, providers: absent })
class DescribedModule {}

export async function describeApi(): Promise<OpenAPIObject> {
  const app = await NestFactory.create(DescribedModule, new FastifyAdapter(), { logger: false });
  const document = openApiOf(app);
  await app.close();
  return document;
}
