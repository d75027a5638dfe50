/**
 * Durable accepted creates per second, over the whole product (API, admission, Postgres with fsync on, queue and a
 * worker that carries the creates out meanwhile) on modelled servers without latency; against bare Fastify with one
 * insert on the same database. The two take turns; the ratio is the median of the pairs.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataFolderFor } from '@bellows/postgres/data-folder';
import { startPostgres } from '@bellows/postgres/start-postgres';
import { freePort, startCloud, type TestCloud } from '@bellows/e2e/support/cloud';
import autocannon from 'autocannon';
import { median, report, round } from './report.js';

const pairs = Number(process.env['BELLOWS_BENCH_PAIRS'] ?? 5);
const seconds = Number(process.env['BELLOWS_BENCH_SECONDS'] ?? 6);
const connections = 50;
const body = JSON.stringify({ name: 'bench', plan: 'ecs-1c1g', image: 'debian-12-micro' });

async function perSecond(
  url: string,
  token?: string,
): Promise<{ rate: number; p99Ms: number; other: number }> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const result = await autocannon({ url, method: 'POST', headers, body, connections, duration: seconds });
  const other = result.non2xx + result.errors;
  return { rate: (result.requests.total - other) / result.duration, p99Ms: result.latency.p99, other };
}

async function startFloor(databaseUrl: string): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const env = { ...process.env, DATABASE_URL: databaseUrl, PORT: String(port) };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'insert-floor.js')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return { url: `http://127.0.0.1:${port}/`, child };
}

/** Waits until nothing is being provisioned any more; how long that took, in seconds. */
async function drained(cloud: TestCloud): Promise<number> {
  const began = performance.now();
  for (;;) {
    const { body: page } = await cloud.call('GET', '/v1/instances?state=provisioning&limit=1');
    const passed = (performance.now() - began) / 1_000;
    if (page.items.length === 0) return passed;
    if (passed > 600) throw new Error('creates were not carried out within ten minutes');
    await new Promise((done) => setTimeout(done, 500));
  }
}

const folder = await mkdtemp(join(tmpdir(), 'bellows-bench-'));
const postgres = await startPostgres({ dataDir: dataFolderFor(folder) });
const cloud = await startCloud({
  hosts: 'sim:400x128c512g',
  env: { DATABASE_URL: postgres.url, BELLOWS_SIM_LATENCY: '0', BELLOWS_RATE_LIMIT: '0' },
});
const floor = await startFloor(postgres.url);
try {
  const unlimited = { instances: 1_000_000, vcpus: 1_000_000, ramMib: 1_000_000_000, diskGib: 1_000_000_000 };
  const { body: quotas } = await cloud.call('GET', '/v1/quotas');
  const set = await cloud.call('PATCH', `/v1/quotas/${quotas.items[0].projectId}`, unlimited);
  if (set.status !== 200) throw new Error(`quota not set: ${JSON.stringify(set.body)}`);
  await perSecond(floor.url);
  const runs = [];
  for (let i = 0; i < pairs; i++) {
    const base = await perSecond(floor.url);
    const ours = await perSecond(`${cloud.url}/v1/instances`, cloud.token);
    runs.push({
      floor: base.rate,
      accepted: ours.rate,
      p99Ms: ours.p99Ms,
      other: ours.other,
      runningPerSecond: (ours.rate * seconds) / (seconds + (await drained(cloud))),
    });
  }
  const broken = runs.some(({ other }) => other > 0)
    ? [`${runs.reduce((sum, { other }) => sum + other, 0)} answers were not 202`]
    : [];
  report(
    {
      bench: 'create',
      connections,
      acceptedPerSecond: round(median(runs.map(({ accepted }) => accepted))),
      floorPerSecond: round(median(runs.map(({ floor: base }) => base))),
      ratio: round(median(runs.map(({ accepted, floor: base }) => accepted / base))),
      acceptedP99Ms: median(runs.map(({ p99Ms }) => p99Ms)),
      createToRunningPerSecond: round(median(runs.map(({ runningPerSecond }) => runningPerSecond))),
      aims: { ratio: 0.35 },
    },
    broken,
  );
} finally {
  floor.child.kill();
  await cloud.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
  await rm(dataFolderFor(folder), { recursive: true, force: true });
}
process.exit();
