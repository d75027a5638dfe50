import { afterAll, describe } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@bellows/testkit/test-database';
import { queueContract } from './queue.contract.js';

describe('the doorbell over Postgres', () => {
  const databases: TestDatabase[] = [];
  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  queueContract(async () => {
    const database = await testDatabase({ empty: true });
    databases.push(database);
    return { redisUrl: null, databaseUrl: database.url, cloudId: 'only' };
  });
});
