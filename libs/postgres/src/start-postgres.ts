import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { chmod, chown, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { binariesIn } from './binaries.js';
import type { Binaries } from './binaries.js';
import { databaseUser } from './data-folder.js';
import { lockFolder } from './folder-lock.js';
import { ensureCluster } from './cluster.js';
import { stopOrphan } from './orphan.js';
import { goneWithin } from './process-facts.js';

export interface PostgresOptions {
  /** Holds the cluster, the password, the log and, under root, the binaries. Made when missing. */
  readonly dataDir: string;
  /** TCP port on 127.0.0.1; a free one is chosen when left out or 0. */
  readonly port?: number;
  /** A folder for a unix socket as well; at most about 90 characters. */
  readonly socketDir?: string;
  /** More server settings, e.g. `{ fsync: 'off' }` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
}

export interface RunningPostgres {
  /** `postgresql://bellows:…@127.0.0.1:PORT/bellows` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Fast shutdown: clients are cut, nothing committed is lost. Resolves when no process is left. */
  stop(): Promise<void>;
}

const portAttempts = 6;
const readyWithinMs = 60_000;

/**
 * Starts PostgreSQL on 127.0.0.1 from the binaries npm installed; makes the cluster at first use.
 * As root it runs as `nobody`. The server ends with this process, even after SIGKILL: a small watchdog sees
 * the pipe close and asks it to shut down; should the watchdog die too, the next start on the folder stops
 * the orphan before it starts a new one.
 * Throws `FolderInUseError` when a live process already runs the folder.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { dataDir, log = () => undefined } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  if (databaseUser) await chown(dataDir, databaseUser.uid, databaseUser.gid);
  await chmod(dataDir, 0o700);
  const unlock = await lockFolder(dataDir);
  try {
    const binaries = await binariesIn(dataDir, { copy: databaseUser !== null });
    const cluster = await ensureCluster(binaries, dataDir, log);
    await stopOrphan(cluster.data, log);
    const { server, port } = await startOnSomePort(binaries, cluster.data, options, log);
    const watchdog = watch(cluster.data, server.pid!);
    server.once('exit', () => watchdog.kill('SIGKILL'));
    return {
      url: `postgresql://bellows:${cluster.password}@127.0.0.1:${port}/bellows`,
      port,
      pid: server.pid!,
      stop: async () => {
        await shutDown(server);
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function startOnSomePort(
  binaries: Binaries,
  data: string,
  options: PostgresOptions,
  log: (line: string) => void,
): Promise<{ server: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port || (await freePort());
    const server = await launch(binaries, data, port, options);
    const outcome = await readyOrExit(server, data);
    if (outcome === 'ready') {
      log(`PostgreSQL listens on 127.0.0.1:${port} (pid ${server.pid})`);
      return { server, port };
    }
    if (outcome === 'late') await shutDown(server);
    const tail = await logTail(data);
    const taken = /could not (bind|create any TCP)|Address already in use/i.test(tail);
    if (outcome === 'late' || !taken || options.port || attempt >= portAttempts) {
      throw new Error(`PostgreSQL did not start (${outcome}): ${tail}`);
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

const logPath = (data: string): string => join(data, '..', 'postgres.log');

async function launch(
  binaries: Binaries,
  data: string,
  port: number,
  options: PostgresOptions,
): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: options.socketDir ?? '',
    max_connections: '100',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    jit: 'off',
    // A new cloud's tables grow from nothing to thousands of rows in seconds; plans made for empty ones must not last.
    autovacuum_naptime: '5s',
    log_min_messages: 'warning',
    log_min_error_statement: 'panic',
    idle_in_transaction_session_timeout: '60s',
    ...options.settings,
  };
  const args = ['-D', data, '-p', String(port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  await rm(logPath(data), { force: true });
  const log = await open(logPath(data), 'a', 0o600);
  try {
    // Detached: a terminal's Ctrl-C must not reach the database before the processes that use it.
    const server = spawn(binaries.postgres, args, {
      ...databaseUser,
      cwd: data,
      detached: true,
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', log.fd, log.fd],
    });
    await once(server, 'spawn');
    server.unref();
    return server;
  } finally {
    await log.close();
  }
}

/** The last line of postmaster.pid says `ready` when connections are accepted. */
async function readyOrExit(server: ChildProcess, data: string): Promise<'ready' | 'late' | 'exited'> {
  const end = Date.now() + readyWithinMs;
  while (Date.now() < end) {
    if (server.exitCode !== null || server.signalCode !== null) return 'exited';
    const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return 'ready';
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  return 'late';
}

async function logTail(data: string): Promise<string> {
  const text = await readFile(logPath(data), 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-8).join(' | ');
}

/** Waits for the end of our pipe, which this process's death closes, and then asks for a fast shutdown. */
function watch(data: string, pid: number): ChildProcess {
  const script = 'read _; [ "$(head -n 1 "$1/postmaster.pid")" = "$2" ] && kill -INT "$2"';
  const watchdog = spawn('/bin/sh', ['-c', script, 'watch-postgres', data, String(pid)], {
    ...databaseUser,
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin?.on('error', () => undefined);
  (watchdog.stdin as unknown as { unref(): void } | null)?.unref();
  watchdog.unref();
  return watchdog;
}

async function shutDown(server: ChildProcess): Promise<void> {
  const steps: readonly [NodeJS.Signals, number][] = [
    ['SIGINT', 20_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ];
  for (const [signal, ms] of steps) {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    if (await goneWithin(server.pid!, ms)) return;
  }
}
