import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Settings } from '@bellows/config/settings';
import { idSource } from '@bellows/domain/ids';
import { AskGateway } from '@bellows/engine/questions/ask-gateway';
import { LibvirtDriver } from '@bellows/hypervisor/libvirt/libvirt-driver';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import type { Cloud } from '@bellows/operations/cloud';
import type { Clock } from '@bellows/operations/ports/clock';
import { OperationRunner } from '@bellows/operations/saga/run';
import { sagas } from '@bellows/operations/sagas';
import { answeringSide, chooseBackend } from '@bellows/queue/backend';
import { BullOperationQueue } from '@bellows/queue/operation-queue';
import { dataSource } from '@bellows/store/data-source';
import { PostgresStore } from '@bellows/store/postgres-store';
import { HealthController } from './health.controller.js';
import { runnerLog } from './log.js';
import { Metrics } from './metrics.js';
import { CLOUD, LOGGER, SETTINGS } from './provider-names.js';
import { RingsProcessor } from './rings.processor.js';
import { registryForGuests } from './registry-for-guests.js';
import { Shift } from './shift.js';

/** Settings with what a worker cannot do without. */
export type WorkerSettings = Settings & { readonly databaseUrl: string };

const realClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => void (await sleep(ms, undefined, { signal })),
};

async function openCloud(settings: WorkerSettings, source: DataSource, logger: Logger): Promise<Cloud> {
  const { redisUrl, databaseUrl, fleet, gateway } = settings;
  const store = PostgresStore.on(source, databaseUrl);
  const controllerId = await store.controllerId();
  const trouble = (message: string, error: unknown) => logger.warn({ err: error }, message);
  return {
    store,
    queue: new BullOperationQueue({ redisUrl, databaseUrl, cloudId: controllerId }, trouble),
    clock: realClock,
    newId: idSource(randomBytes),
    drivers: {
      libvirt: new LibvirtDriver({ registry: registryForGuests(settings) }),
      ...(fleet && { sim: new SimDriver(fleet) }),
    },
    controllerId,
    ...(gateway && { engines: new AskGateway(gateway, 'worker') }),
  };
}

function openRunner(settings: WorkerSettings, cloud: Cloud, logger: Logger): OperationRunner {
  const workerId = `worker-${process.pid}-${randomBytes(4).toString('hex')}`;
  const { leaseMs } = settings.worker;
  return new OperationRunner(cloud, { workerId, leaseMs, sagas, log: runnerLog(logger) });
}

/** TypeORM's connections, opened and closed by Nest. The store makes the DataSource; Nest only keeps it. */
const connections = ({ databaseUrl }: WorkerSettings): DynamicModule =>
  TypeOrmModule.forRootAsync({
    useFactory: () => ({ type: 'postgres', retryAttempts: 5, retryDelay: 1_000 }),
    dataSourceFactory: () => dataSource({ url: databaseUrl, applicationName: 'bellows-worker' }).initialize(),
  });

const providers: Provider[] = [
  { provide: CLOUD, inject: [SETTINGS, getDataSourceToken(), LOGGER], useFactory: openCloud },
  { provide: OperationRunner, inject: [SETTINGS, CLOUD, LOGGER], useFactory: openRunner },
];

/** What every part of the worker is given. */
@Module({})
export class CloudModule {
  static with(settings: WorkerSettings, logger: Logger): DynamicModule {
    const given: Provider[] = [
      { provide: SETTINGS, useValue: settings },
      { provide: LOGGER, useValue: logger },
    ];
    return {
      module: CloudModule,
      global: true,
      imports: [connections(settings)],
      providers: [...given, ...providers],
      exports: [...given, CLOUD, OperationRunner],
    };
  }
}

/** The one place that names the adapters. */
@Module({})
export class WorkerModule {
  static with(settings: WorkerSettings, logger: Logger): DynamicModule {
    const { redisUrl, databaseUrl } = settings;
    chooseBackend({ redisUrl, databaseUrl, cloudId: '' });
    const bull = BullModule.forRootAsync({
      inject: [CLOUD],
      useFactory: ({ controllerId }: Cloud) =>
        answeringSide({ redisUrl, databaseUrl, cloudId: controllerId }),
    });
    // No queue of Nest's: rings go out through the port. Without one it takes the shared connection for processors.
    return {
      module: WorkerModule,
      imports: [CloudModule.with(settings, logger), bull, BullModule.registerQueue()],
      controllers: [HealthController],
      providers: [Metrics, RingsProcessor, Shift],
    };
  }
}
