import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { dataFolderFor } from './data-folder.js';
import { FolderInUseError } from './folder-lock.js';
import { goneWithin, markOf } from './process-facts.js';
import { startPostgres } from './start-postgres.js';
import type { RunningPostgres } from './start-postgres.js';

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('embedded PostgreSQL', () => {
  let parent: string;
  let dataDir: string;
  const running: RunningPostgres[] = [];
  const start = async (options = {}) => {
    const server = await startPostgres({ dataDir, ...options });
    running.push(server);
    return server;
  };
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'bellows pg '));
    await chmod(parent, 0o755);
    dataDir = join(parent, 'a folder');
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    await rm(parent, { recursive: true, force: true });
  });

  it('keeps what was committed over a stop and a start; password and folder are closed to others', async () => {
    const first = await start();
    await ask(first.url, 'CREATE TABLE t AS SELECT 42 AS n');
    expect(await ask(first.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    await first.stop();
    expect(await markOf(first.pid)).toBeNull();
    const second = await start();
    expect(await ask(second.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
    expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await expect(ask(second.url.replace(/:[0-9a-f]+@/, ':wrong@'), 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
  });

  it('is had once a folder, however many start at once', async () => {
    const outcomes = await Promise.allSettled([start(), start(), start()]);
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(FolderInUseError);
    }
  });

  it('removes a pid file whose number now names another process', async () => {
    await (await start()).stop();
    await writeFile(
      join(dataDir, 'data', 'postmaster.pid'),
      `${process.pid}\n${join(dataDir, 'data')}\n1\n1\n\n\n`,
    );
    expect(await ask((await start()).url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  it('says what the server said when it cannot start', async () => {
    await expect(start({ settings: { shared_buffers: 'much' } })).rejects.toThrow(/shared_buffers/);
    expect(await ask((await start()).url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  const built = fileURLToPath(new URL('../dist/start-postgres.js', import.meta.url));
  /** Starts the server from another process and kills that process with SIGKILL. */
  async function abandoned(): Promise<number> {
    const script = `
      const { startPostgres } = await import(process.argv[1]);
      const { pid } = await startPostgres({ dataDir: process.argv[2] });
      console.log(pid);
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, built, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGKILL');
    await once(child, 'exit');
    return Number(line.toString());
  }

  it('ends with its parent, even when that is killed', async () => {
    expect(existsSync(built)).toBe(true);
    const pid = await abandoned();
    expect(await goneWithin(pid, 20_000)).toBe(true);
    expect(existsSync(join(dataDir, 'data', 'postmaster.pid'))).toBe(false);
  });

  it('stops a server that outlived parent and watchdog, and recovers what it had', async () => {
    const first = await start();
    await ask(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
    // What a dead parent leaves behind: the server, and a lock that names nobody alive.
    const lock = join(dataDir, 'owner.json');
    await writeFile(lock, JSON.stringify({ ...(await markOf(process.pid)), started: '0' }));
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await markOf(first.pid)).toBeNull();
    expect(await ask(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
    expect(JSON.parse(await readFile(lock, 'utf8'))).toEqual(await markOf(process.pid));
  });
});

describe('the data folder', () => {
  it('is inside the home for a user, and outside, keyed by the home, for root', () => {
    expect(dataFolderFor('/home/a b/.bellows', false)).toBe('/home/a b/.bellows/postgres');
    const one = dataFolderFor('/root/.bellows', true);
    expect(one).toMatch(/^\/var\/lib\/bellows\/pg\/[0-9a-f]{16}$/);
    expect(dataFolderFor('/root/other/../.bellows', true)).toBe(one);
    expect(dataFolderFor('/root/.bellows2', true)).not.toBe(one);
  });
});
