import { DataSource } from 'typeorm';
import pg from 'pg';
import { migrations } from '@bellows/migrations/all';
import { entities } from './entities/all.js';
import { SnakeNaming } from './snake-naming.js';

export interface StoreOptions {
  readonly url: string;
  /** Connections, beside the one that listens. */
  readonly poolSize?: number;
  /** A statement that takes longer is cut, and the store counts as unavailable. */
  readonly statementTimeoutMs?: number;
  readonly applicationName?: string;
}

const int8 = 20;
/** 64-bit integers are times, counts and fences here: all below 2^53. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/** TypeORM with our entities and migrations; it never alters the schema by itself. */
export function dataSource(options: StoreOptions): DataSource {
  const timeout = options.statementTimeoutMs ?? 15_000;
  return new DataSource({
    type: 'postgres',
    url: options.url,
    entities,
    migrations,
    migrationsTableName: 'migration',
    namingStrategy: new SnakeNaming(),
    synchronize: false,
    installExtensions: false,
    applicationName: options.applicationName ?? 'bellows',
    poolSize: options.poolSize ?? 16,
    connectTimeoutMS: 10_000,
    // An idle connection that breaks is replaced by the pool; the next query says so if it cannot be.
    poolErrorHandler: () => undefined,
    extra: {
      types,
      keepAlive: true,
      ...(timeout > 0 && { statement_timeout: timeout, query_timeout: timeout + 5_000 }),
    },
  });
}
