// Starts one PostgreSQL for all jest workers of a run; DATABASE_URL_TEST names another one to use instead.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const built = join(root, 'libs/postgres/dist/start-postgres.js');

export default async function setUp() {
  if (process.env.DATABASE_URL_TEST) return;
  if (!existsSync(built)) {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'libs/postgres'], {
      cwd: root,
    });
  }
  const { startPostgres } = await import(built);
  const parent = process.getuid() === 0 ? '/var/tmp' : tmpdir();
  const folder = await mkdtemp(join(parent, 'bellows-test-'));
  // A test database need not survive a power cut.
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
  };
  const { chmod } = await import('node:fs/promises');
  await chmod(folder, 0o755);
  const server = await startPostgres({ dataDir: join(folder, 'pg'), settings });
  process.env.BELLOWS_TEST_POSTGRES = server.url;
  globalThis.__bellowsTestPostgres = {
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
