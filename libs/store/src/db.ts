import type { Pool, PoolClient } from 'pg';
import { isUnavailable, isWorthRetrying, sqlState, unavailable } from './db-errors.js';

/** A statement that PostgreSQL prepares once a connection, under its name. */
export interface Sql {
  readonly name?: string;
  readonly text: string;
}
export type Row = Record<string, unknown>;

/** Something statements can be run on: the pool, or one open transaction. */
export interface Session {
  rows<R = Row>(statement: Sql, values?: readonly unknown[]): Promise<R[]>;
}

const attempts = 6;

/** The pool, with typed failures. Only this file opens and ends transactions. */
export class Database implements Session {
  constructor(private readonly pool: Pool) {}

  async rows<R = Row>(statement: Sql, values: readonly unknown[] = []): Promise<R[]> {
    try {
      return (await this.pool.query({ ...statement, values: [...values] })).rows as R[];
    } catch (error) {
      throw isUnavailable(error) ? unavailable(error) : error;
    }
  }

  /** All of `work` or nothing. Runs it again after a deadlock or a serialization failure, with a growing pause. */
  async transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(work);
      } catch (error) {
        if (isUnavailable(error)) throw unavailable(error);
        if (!isWorthRetrying(error) || attempt >= attempts) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** attempt));
      }
    }
  }

  private async once<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    let broken = false;
    // A connection that breaks between two statements says so by an event, which must not end the process.
    const onBreak = () => void (broken = true);
    client.on('error', onBreak);
    try {
      await client.query('BEGIN');
      const result = await work(sessionOn(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      const rolledBack = await client.query('ROLLBACK').then(
        () => true,
        () => false,
      );
      // Without an SQLSTATE nobody knows what the connection is doing.
      if (!rolledBack || (isUnavailable(error) && sqlState(error) === null)) broken = true;
      throw error;
    } finally {
      client.off('error', onBreak);
      client.release(broken);
    }
  }
}

const sessionOn = (client: PoolClient): Session => ({
  async rows<R = Row>(statement: Sql, values: readonly unknown[] = []) {
    return (await client.query({ ...statement, values: [...values] })).rows as R[];
  },
});
