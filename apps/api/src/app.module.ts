import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { idSource } from '@bellows/domain/ids';
import { AskGateway } from '@bellows/engine/questions/ask-gateway';
import { LibvirtDriver } from '@bellows/hypervisor/libvirt/libvirt-driver';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import type { Cloud } from '@bellows/operations/cloud';
import type { ModelledServers } from '@bellows/operations/host/enrol';
import { Admission } from '@bellows/operations/instance/create';
import type { Clock } from '@bellows/operations/ports/clock';
import { Authenticator } from '@bellows/operations/token/authenticate';
import { OperationEnds } from '@bellows/operations/views/wait';
import { BullOperationQueue } from '@bellows/queue/operation-queue';
import { dataSource } from '@bellows/store/data-source';
import { PostgresStore } from '@bellows/store/postgres-store';
import { controllers } from './controllers.js';
import { dockerProviders } from './docker/docker.providers.js';
import { engineJobsProviders } from './engine-jobs/engine-jobs.providers.js';
import type { FleetProbe } from './health/health.controller.js';
import { AuthGuard } from './http/auth.guard.js';
import { Metrics } from './http/metrics.js';
import { ProblemFilter } from './http/problem.filter.js';
import { RateLimit } from './http/rate-limit.js';
import { REGISTRY, registryParts } from './registry/registry-parts.js';
import { Lifeline } from './lifeline.js';
import type { ApiSettings } from './api-settings.js';
import { CLOUD, FLEET_PROBE, LOGGER, MODELLED_SERVERS, SETTINGS } from './provider-names.js';

const realClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => void (await sleep(ms, undefined, { signal })),
};

async function openCloud(
  settings: ApiSettings,
  source: DataSource,
  sim: SimDriver | null,
  logger: Logger,
): Promise<Cloud> {
  const store = PostgresStore.on(source, settings.databaseUrl);
  const controllerId = await store.controllerId();
  const { redisUrl, databaseUrl, gateway } = settings;
  const trouble = (message: string, error: unknown) => logger.warn({ err: error }, message);
  return {
    store,
    queue: new BullOperationQueue({ redisUrl, databaseUrl, cloudId: controllerId }, trouble),
    clock: realClock,
    newId: idSource(randomBytes),
    drivers: { libvirt: new LibvirtDriver(), ...(sim && { sim }) },
    controllerId,
    ...(gateway && { engines: new AskGateway(gateway, 'api') }),
  };
}

/** TypeORM's connections, opened and closed by Nest. The store makes the DataSource; Nest only keeps it. */
const connections = ({ databaseUrl }: ApiSettings): DynamicModule =>
  TypeOrmModule.forRootAsync({
    useFactory: () => ({ type: 'postgres', retryAttempts: 5, retryDelay: 1_000 }),
    dataSourceFactory: () => dataSource({ url: databaseUrl, applicationName: 'bellows-api' }).initialize(),
  });

const modelledServers = (sim: SimDriver | null): ModelledServers | null =>
  sim && { registerHost: (name, physical) => sim.registerHost({ name, ...physical }) };

const adapters: Provider[] = [
  {
    provide: SimDriver,
    inject: [SETTINGS],
    useFactory: ({ fleet }: ApiSettings) => (fleet ? new SimDriver(fleet) : null),
  },
  { provide: CLOUD, inject: [SETTINGS, getDataSourceToken(), SimDriver, LOGGER], useFactory: openCloud },
  { provide: MODELLED_SERVERS, inject: [SimDriver], useFactory: modelledServers },
  {
    provide: FLEET_PROBE,
    inject: [SimDriver],
    useFactory: (sim: SimDriver | null): FleetProbe => sim && (async () => void (await sim.faults())),
  },
];

const useCases: Provider[] = [
  {
    provide: Admission,
    inject: [CLOUD, LOGGER],
    useFactory: (cloud: Cloud, logger: Logger) =>
      new Admission(cloud, (error) => logger.warn({ err: error }, 'admission lost sight of the fleet')),
  },
  {
    provide: OperationEnds,
    inject: [CLOUD],
    useFactory: ({ store, clock }: Cloud) => new OperationEnds(store, clock),
  },
  {
    provide: Authenticator,
    inject: [CLOUD],
    useFactory: ({ store, clock }: Cloud) => new Authenticator(store, clock),
  },
  { provide: REGISTRY, inject: [SETTINGS], useFactory: registryParts },
  {
    provide: RateLimit,
    inject: [SETTINGS],
    useFactory: ({ rateLimitPerSecond }: ApiSettings) => new RateLimit(rateLimitPerSecond, Date.now),
  },
];

@Module({})
export class AppModule {
  /** The one place that names the adapters. */
  static with(settings: ApiSettings, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [TerminusModule.forRoot({ logger: false }), connections(settings)],
      controllers,
      providers: [
        { provide: SETTINGS, useValue: settings },
        { provide: LOGGER, useValue: logger },
        ...adapters,
        ...useCases,
        ...dockerProviders,
        ...engineJobsProviders,
        Metrics,
        Lifeline,
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
