import { afterEach, describe, expect, it } from '@jest/globals';
import { testDatabase } from '@bellows/testkit/test-database';
import type { TestDatabase } from '@bellows/testkit/test-database';
import { dataSource } from './data-source.js';
import { migrate } from './migrate.js';

describe('migrations', () => {
  let database: TestDatabase;
  afterEach(() => database.drop());

  it('make exactly the schema that the entities describe', async () => {
    database = await testDatabase();
    const source = await dataSource({ url: database.url }).initialize();
    try {
      const { upQueries } = await source.driver.createSchemaBuilder().log();
      expect(upQueries.map((query) => query.query)).toEqual([]);
    } finally {
      await source.destroy();
    }
  });

  it('may be run by two processes at once, and again', async () => {
    database = await testDatabase({ empty: true });
    await Promise.all([migrate(database.url), migrate(database.url)]);
    await migrate(database.url);
    const source = await dataSource({ url: database.url }).initialize();
    try {
      expect(await source.query('SELECT count(*)::integer AS n FROM cloud')).toEqual([{ n: 1 }]);
      expect(await source.showMigrations()).toBe(false);
    } finally {
      await source.destroy();
    }
  });

  it('can be taken back, newest first', async () => {
    database = await testDatabase({ empty: true });
    await migrate(database.url);
    const source = await dataSource({ url: database.url }).initialize();
    try {
      for (let n = source.migrations.length; n > 0; n--) await source.undoLastMigration();
      const left = await source.query(
        `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`,
      );
      expect(left).toEqual([{ table_name: 'migration' }]);
    } finally {
      await source.destroy();
    }
  });
});
