import { PostgresStore } from '@bellows/store/postgres-store';
import type { StoreOptions } from '@bellows/store/data-source';
import { testDatabase } from './test-database.js';
import type { TestDatabase } from './test-database.js';

export interface TestStore {
  readonly store: PostgresStore;
  readonly database: TestDatabase;
  /** Closes the store and drops its database. */
  close(): Promise<void>;
}

/** A store on a migrated database of its own. */
export async function testStore(options: Partial<StoreOptions> = {}): Promise<TestStore> {
  const database = await testDatabase();
  const store = await PostgresStore.open({ poolSize: 8, ...options, url: database.url });
  return {
    store,
    database,
    close: async () => {
      await store.close();
      await database.drop();
    },
  };
}
