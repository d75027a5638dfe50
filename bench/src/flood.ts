/**
 * What others notice of a guest that floods: the API's answers alone, against those while docker streams of one guest
 * flood through the same API and gateway, to readers that are fast and to readers that are slow. The three take
 * turns. Flood and readers are niced: they stand for machines of their own; the gateway and the API are not. What the
 * machine's cores cost is told apart: the same flood, carried by another API process than the one that is asked.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataFolderFor } from '@bellows/postgres/data-folder';
import { startPostgres } from '@bellows/postgres/start-postgres';
import { root, startCloud } from '@bellows/e2e/support/cloud';
import { median, quantile, report, round } from './report.js';

const rounds = Number(process.env['BELLOWS_BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BELLOWS_BENCH_SECONDS'] ?? 5);
const streams = Number(process.env['BELLOWS_BENCH_STREAMS'] ?? 8);
const perSecond = 100;
const secret = 'secret-of-the-flood-bench';
const niceness = 10;
/** A reader that takes 64 KiB every so often is slow. */
const slowlyMs = 500;
/** Gross failure only: what these measure is noisy on a busy machine. */
const worst = { ratioP99: 20, grewMib: 200 };

interface Program {
  readonly child: ChildProcess;
  /** The first line that is no log. */
  readonly said: Record<string, unknown>;
  readonly lines: Interface;
}

/** A program of ours, once it has something to say. */
async function start(file: string, env: NodeJS.ProcessEnv, args: string[] = [], nice = 0): Promise<Program> {
  const child = spawn(process.execPath, [join(root, file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (nice > 0) setPriority(child.pid!, nice);
  const lines = createInterface({ input: child.stdout! });
  const gone = once(child, 'exit').then(() => Promise.reject(new Error(`${file} ended`)));
  gone.catch(() => undefined);
  for (;;) {
    const [line] = (await Promise.race([once(lines, 'line'), gone])) as [string];
    const said = JSON.parse(line) as Record<string, unknown>;
    if (!('level' in said)) return { child, said, lines };
  }
}

type Phase = 'alone' | 'beside' | 'fast' | 'slow';

const agent = new Agent({ keepAlive: true });

/** Milliseconds from when it was due: a queue counts against who made it. */
function took(url: string, token: string, due: number): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      answer.resume().once('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - due);
        else reject(new Error(`${url}: ${answer.statusCode}`));
      });
    }).on('error', reject);
  });
}

/** Asks at a steady rate, whether or not the answers come. */
async function asks(urls: readonly string[], token: string): Promise<number[]> {
  const began = performance.now();
  const answers: Promise<number>[] = [];
  for (let i = 0; i < seconds * perSecond; i++) {
    const due = began + (i * 1_000) / perSecond;
    if (due > performance.now()) await sleep(due - performance.now());
    answers.push(took(urls[i % urls.length]!, token, due));
  }
  return Promise.all(answers);
}

async function rssMib(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

function startApi(gatewayUrl: string): Promise<Program> {
  const settings = { BELLOWS_PORT: '0', BELLOWS_DOCKER_PORT: 'off', BELLOWS_RATE_LIMIT: '0' };
  return start('apps/api/dist/main.js', {
    ...{ DATABASE_URL: postgres.url, BELLOWS_HOME: folder, BELLOWS_ADMIN_TOKEN: cloud.token },
    ...{ BELLOWS_GATEWAY_URL: gatewayUrl, BELLOWS_GATEWAY_SECRET: secret },
    ...{ ...settings, BELLOWS_ENGINE_EVENTS: 'off' },
  });
}

const folder = await mkdtemp(join(tmpdir(), 'bellows-bench-'));
const postgres = await startPostgres({ dataDir: dataFolderFor(folder) });
const cloud = await startCloud({ hosts: 'sim:1', env: { DATABASE_URL: postgres.url } });
const children: ChildProcess[] = [];
try {
  const created = await cloud.call('POST', '/v1/instances', {
    name: 'flood',
    plan: 'ecs-1c1g',
    image: 'debian-12-micro',
  });
  const operation = await cloud.ended(created);
  if (operation.state !== 'succeeded') throw new Error(`no instance: ${JSON.stringify(operation)}`);
  const id = created.body.instance.id as string;
  const guest = await start('bench/dist/flooding-guest.js', {}, [], niceness);
  children.push(guest.child);
  const gateway = await start('apps/gateway/dist/main.js', {
    BELLOWS_FLEET_URL: String(guest.said['listen']),
    BELLOWS_FLEET_SECRET: secret,
    BELLOWS_GATEWAY_SECRET: secret,
  });
  children.push(gateway.child);
  const gatewayAt = String(gateway.said['listen']);
  // Two APIs more on the cloud's database, whose every guest floods: one is asked, the other only carries.
  const apis = [await startApi(gatewayAt), await startApi(gatewayAt)] as const;
  const [api] = apis;
  const [url, besideUrl] = apis.map(({ said }) => `http://127.0.0.1:${said['port']}`) as [string, string];
  children.push(...apis.map(({ child }) => child));
  const urls = [`${url}/v1/plans`, `${url}/v1/instances/${id}`];

  const alone = async () => ({
    times: await asks(urls, cloud.token),
    mibPerSecond: 0,
    rss: 0,
    gatewayRss: 0,
  });
  const flooded = async (carrier: string, everyMs: number) => {
    const args = [`${carrier}/v1/instances/${id}/docker`, String(streams), String(everyMs)];
    const readers = await start(
      'bench/dist/flood-readers.js',
      { BELLOWS_TOKEN: cloud.token },
      args,
      niceness,
    );
    let bytes = 0;
    readers.lines.on('line', (line) => {
      bytes += (JSON.parse(line) as { bytes: number }).bytes;
    });
    const times = await asks(urls, cloud.token);
    if (readers.child.exitCode !== null) throw new Error('a flooded stream ended');
    const [rss, gatewayRss] = await Promise.all([rssMib(api.child), rssMib(gateway.child)]);
    readers.child.kill();
    await once(readers.child, 'exit');
    return { times, mibPerSecond: bytes / seconds / 1024 / 1024, rss, gatewayRss };
  };

  await asks(urls, cloud.token);
  const before = { api: await rssMib(api.child), gateway: await rssMib(gateway.child) };
  const runs: Record<Phase, Awaited<ReturnType<typeof alone>>>[] = [];
  for (let i = 0; i < rounds; i++) {
    runs.push({
      alone: await alone(),
      beside: await flooded(besideUrl, 0),
      fast: await flooded(url, 0),
      slow: await flooded(url, slowlyMs),
    });
    await sleep(500);
  }
  const after = { api: await rssMib(api.child), gateway: await rssMib(gateway.child) };

  const at = (phase: Phase, q: number) => median(runs.map((run) => quantile(run[phase].times, q)));
  const ratio = (phase: Phase, base: Phase, q: number) =>
    median(runs.map((run) => quantile(run[phase].times, q) / quantile(run[base].times, q)));
  const figures = (phase: Phase) => ({
    p50Ms: round(at(phase, 0.5)),
    p99Ms: round(at(phase, 0.99)),
    ...(phase !== 'alone' && {
      ratioP50: round(ratio(phase, 'alone', 0.5)),
      ratioP99: round(ratio(phase, 'alone', 0.99)),
      mibPerSecond: round(median(runs.map((run) => run[phase].mibPerSecond))),
    }),
    ...(phase === 'fast' && { ratioP99ToBeside: round(ratio('fast', 'beside', 0.99)) }),
  });
  const most = {
    api: Math.max(...runs.flatMap(({ fast, slow }) => [fast.rss, slow.rss])),
    gateway: Math.max(...runs.flatMap(({ fast, slow }) => [fast.gatewayRss, slow.gatewayRss])),
  };
  const broken = [
    ...(['fast', 'slow'] as const)
      // A machine whose cores are taken is no fault of the process that carries the flood.
      .filter((phase) =>
        (['alone', 'beside'] as const).every((base) => ratio(phase, base, 0.99) > worst.ratioP99),
      )
      .map(
        (phase) => `p99 beside a flood to ${phase} readers is over ${worst.ratioP99} times that without it`,
      ),
    ...(['api', 'gateway'] as const)
      .filter((name) => most[name] - before[name] > worst.grewMib)
      .map((name) => `the ${name} has grown by more than ${worst.grewMib} MiB`),
  ];
  report(
    {
      ...{ bench: 'flood', rounds, seconds, perSecond, streams },
      ...{ alone: figures('alone'), beside: figures('beside'), fast: figures('fast'), slow: figures('slow') },
      memoryMib: { before, most, after },
      limits: worst,
    },
    broken,
  );
} finally {
  for (const child of children) child.kill();
  await cloud.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
  await rm(dataFolderFor(folder), { recursive: true, force: true });
}
process.exit();
