import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrations } from '@bellows/migrations/all';
import { migrate } from '@bellows/store/migrate';

export interface TestDatabase {
  readonly url: string;
  /** Drops it, cutting whoever is still connected. */
  drop(): Promise<void>;
}

/** The server of this test run: jest's global set-up starts it. */
function serverUrl(): string {
  const url = process.env.DATABASE_URL_TEST ?? process.env.BELLOWS_TEST_POSTGRES;
  if (!url) throw new Error('no PostgreSQL for tests: run jest with the global set-up of libs/testkit');
  return url;
}

function onDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function withServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Named after the text of the migrations, so that a template of an older schema is never cloned. */
const templateName = (): string => {
  const text = migrations.map((Migration) => `${Migration.name}${Migration.prototype.up.toString()}`).join();
  return `bellows_template_${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
};

let template: Promise<string> | null = null;

/** Made once a run by whichever worker comes first; the others wait for it. */
async function ensureTemplate(): Promise<string> {
  const name = templateName();
  await withServer(async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtextextended('bellows.template', 0))`);
    const there = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (there.rowCount) return;
    await client.query(`CREATE DATABASE ${name}_draft`);
    await migrate(onDatabase(serverUrl(), `${name}_draft`));
    await client.query(`ALTER DATABASE ${name}_draft RENAME TO ${name}`);
  });
  return name;
}

/**
 * A database of its own for one test, cloned from a migrated template; with a controller id of its own.
 * `empty` leaves it without any table.
 */
export async function testDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const from = options.empty ? 'template0' : await (template ??= ensureTemplate());
  const name = `bellows_test_${randomBytes(6).toString('hex')}`;
  await withServer(async (client) => {
    // Two clones of one template at once refuse each other.
    await client.query(`SELECT pg_advisory_lock(hashtextextended('bellows.template', 0))`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${from}`);
  });
  const url = onDatabase(serverUrl(), name);
  if (!options.empty) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      `UPDATE cloud SET controller_id = 'ctl-' || replace(gen_random_uuid()::text, '-', '')`,
    );
    await client.end();
  }
  return {
    url,
    drop: () =>
      withServer(async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}
