import pg from 'pg';
import { dataSource } from './data-source.js';
import { isUnavailable, unavailable } from './db-errors.js';

/**
 * Brings the schema up to date. Two processes may do it at once: the second waits for the first.
 * Throws `StoreUnavailableError` when the database is not there.
 */
export async function migrate(url: string): Promise<void> {
  const lock = new pg.Client({ connectionString: url, application_name: 'bellows-migrate' });
  lock.on('error', () => undefined);
  try {
    await lock.connect();
    await lock.query(`SELECT pg_advisory_lock(hashtextextended('bellows.migrate', 0))`);
    const source = dataSource({ url, poolSize: 1, statementTimeoutMs: 0 });
    await source.initialize();
    try {
      await source.runMigrations({ transaction: 'each' });
    } finally {
      await source.destroy();
    }
  } catch (error) {
    throw isUnavailable(error) ? unavailable(error) : error;
  } finally {
    await lock.end().catch(() => undefined); // ends the session, and with it the lock
  }
}
