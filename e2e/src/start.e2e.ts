import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { caller, root, type Answer } from './support/cloud.js';
import { removeHome } from './support/home.js';
import { descendants, processes, workerOf } from './support/processes.js';

const readyWithinMs = 90_000;
const cleanups: (() => Promise<unknown>)[] = [];

interface Started {
  readonly child: ChildProcess;
  readonly home: string;
  readonly url: string;
  readonly output: () => string;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
}

const newHome = async () => {
  const home = join(await mkdtemp(join(tmpdir(), 'bellows start ')), 'the home');
  cleanups.push(() => removeHome(home).then(() => rm(join(home, '..'), { recursive: true, force: true })));
  return home;
};

function launch(home: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, 'apps/stack/dist/main.js')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      BELLOWS_HOME: home,
      BELLOWS_PORT: '0',
      BELLOWS_HOSTS: 'sim:2',
      BELLOWS_SIM_LATENCY: '0',
      BELLOWS_WORKER_LEASE_MS: '3000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += String(part)));
  cleanups.unshift(() => ended(child, 'SIGINT'));
  return { child, output: () => output };
}

async function start(home: string, env?: Record<string, string>): Promise<Started> {
  const { child, output } = launch(home, env);
  for (const until = Date.now() + readyWithinMs; !output().includes('Bellows is ready'); await sleep(50)) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`did not start:\n${output()}`);
  }
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output())![0];
  const token = (await readFile(join(home, 'admin-token'), 'utf8')).trim();
  return { child, home, url, output, call: caller(url, token) };
}

/** @returns the exit code. */
async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
  return child.exitCode;
}

const stillThere = (pids: readonly number[]) => processes().filter(({ pid }) => pids.includes(pid));

async function noneLeft(pids: readonly number[], withinMs: number) {
  for (const until = Date.now() + withinMs; stillThere(pids).length > 0 && Date.now() < until;)
    await sleep(100);
  return stillThere(pids);
}

async function operationOf({ call }: Started, answer: Answer) {
  expect(answer.status).toBe(202);
  const path = `/v1/operations/${answer.body.operation.id}?wait=30`;
  return (await call('GET', path)).body;
}

const anInstance = { name: 'first', plan: 'ecs-1c1g', image: 'debian-12' };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
}, 60_000);

describe('npm start', () => {
  it('brings up a cloud that creates an instance, and Ctrl-C leaves no process', async () => {
    const cloud = await start(await newHome());
    expect((await fetch(`${cloud.url}/readyz`)).status).toBe(200);
    expect((await stat(cloud.home)).mode & 0o777).toBe(0o700);
    expect((await stat(join(cloud.home, 'admin-token'))).mode & 0o777).toBe(0o600);
    expect((await cloud.call('GET', '/v1/hosts')).body.items).toHaveLength(2);
    const operation = await operationOf(cloud, await cloud.call('POST', '/v1/instances', anInstance));
    expect(operation).toMatchObject({ kind: 'instance.create', state: 'succeeded' });
    const pids = descendants(cloud.child.pid!).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThan(3);
    expect(await ended(cloud.child, 'SIGINT')).toBe(0);
    expect(stillThere(pids)).toEqual([]);
  }, 150_000);

  it('keeps its state over a restart, and enrols nothing twice', async () => {
    const home = await newHome();
    const first = await start(home);
    await operationOf(first, await first.call('POST', '/v1/instances', anInstance));
    await ended(first.child, 'SIGTERM');
    const again = await start(home);
    expect((await again.call('GET', '/v1/hosts')).body.items).toHaveLength(2);
    const { items } = (await again.call('GET', '/v1/instances')).body;
    expect(items).toMatchObject([{ name: 'first', state: 'running' }]);
  }, 200_000);

  it('runs twice at once in two homes, and refuses a home that is in use', async () => {
    const clouds = await Promise.all([start(await newHome()), start(await newHome())]);
    expect(clouds[0].url).not.toBe(clouds[1].url);
    await operationOf(clouds[0], await clouds[0].call('POST', '/v1/instances', anInstance));
    expect((await clouds[1].call('GET', '/v1/instances')).body.items).toEqual([]);
    const third = launch(clouds[0].home);
    const code = await new Promise((resolve) => third.child.once('exit', resolve));
    expect(code).toBe(1);
    expect(third.output()).toContain(`in use by process ${clouds[0].child.pid} (${clouds[0].url})`);
  }, 200_000);

  it('takes its children along when it is killed, and starts again after that', async () => {
    const home = await newHome();
    const cloud = await start(home);
    const pids = descendants(cloud.child.pid!).map(({ pid }) => pid);
    await ended(cloud.child, 'SIGKILL');
    expect(await noneLeft(pids, 20_000)).toEqual([]);
    const again = await start(home);
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  }, 200_000);

  it('replaces a worker that was killed, and its operations end', async () => {
    const cloud = await start(await newHome(), { BELLOWS_SIM_LATENCY: '0.2' });
    const answer = await cloud.call('POST', '/v1/instances', anInstance);
    await sleep(300);
    process.kill(workerOf(cloud.child.pid!).pid, 'SIGKILL');
    expect(await operationOf(cloud, answer)).toMatchObject({ state: 'succeeded' });
    expect(cloud.output()).toContain('worker ended (SIGKILL); starting it again');
  }, 150_000);

  it('starts from nothing in a home that was removed', async () => {
    const home = await newHome();
    const first = await start(home);
    await operationOf(first, await first.call('POST', '/v1/instances', anInstance));
    await ended(first.child, 'SIGINT');
    await rm(home, { recursive: true });
    const fresh = await start(home);
    expect((await fresh.call('GET', '/v1/instances')).body.items).toEqual([]);
    const operation = await operationOf(fresh, await fresh.call('POST', '/v1/instances', anInstance));
    expect(operation).toMatchObject({ state: 'succeeded' });
  }, 200_000);

  it('says what is wrong with a setting, and ends', async () => {
    const { child, output } = launch(await newHome(), { BELLOWS_PORT: 'http', BELLOWS_HOSTS: 'sim:many' });
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1);
    expect(output()).toContain('BELLOWS_PORT');
    expect(output()).toContain('BELLOWS_HOSTS');
  }, 30_000);
});
