/**
 * A live grow from 1c1g to 2c2g of one real guest, from the request to the guest's own confirmation: through REST
 * (API, queue, worker, saga, Postgres) against the same steps made directly with the libvirt client, in turns.
 * The container engine, which is asked after the guest, answers in its own time: that is reported beside, and with it.
 * Shrinks are reported, not judged. Needs root and a host made by infra/host/install.sh.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCloud } from '@bellows/e2e/support/cloud';
import { DirectGuest } from './direct-guest.js';
import { median, quantile, report, round } from './report.js';

const pairs = Number(process.env['BELLOWS_BENCH_PAIRS'] ?? 30);
const image = process.env['BELLOWS_BENCH_IMAGE'] ?? 'debian-12-micro';
const small = { vcpus: 1, ramMib: 1024 };
const large = { vcpus: 2, ramMib: 2048 };

const cloud = await startCloud({
  hosts: 'libvirt:qemu:///system',
  env: process.env['REDIS_URL'] ? { REDIS_URL: process.env['REDIS_URL'] } : {},
});
let id: string | undefined;
try {
  const created = await cloud.call('POST', '/v1/instances', { name: 'bench', plan: 'ecs-1c1g', image });
  const operation = await cloud.ended(created, 600_000);
  if (operation.state !== 'succeeded') throw new Error(`no guest: ${JSON.stringify(operation)}`);
  id = created.body.instance.id as string;
  await engineReady(id);
  const direct = await DirectGuest.of(id, small.ramMib);

  const throughRest = async (size: typeof small): Promise<{ tookMs: number; engineMs: number }> => {
    const began = performance.now();
    const ended = await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/resize`, size));
    const took = performance.now() - began;
    if (ended.state !== 'succeeded' || (size === large && ended.confirmedBy !== 'engine')) {
      throw new Error(`resize: ${JSON.stringify(ended)}`);
    }
    const asked = ended.steps.find((step: { name: string }) => step.name === 'confirm-engine');
    return { tookMs: took, engineMs: Date.parse(asked.finishedAt) - Date.parse(asked.startedAt) };
  };

  // Once each way unmeasured: connections are open and code is warm, in both.
  await throughRest(large);
  await throughRest(small);
  const runs: (Record<'byHand' | 'rest', { grow: number; shrink: number }> & { engineMs: number })[] = [];
  for (let i = 0; i < pairs; i++) {
    const byHand = {
      grow: await direct.grow(large.vcpus, large.ramMib),
      shrink: await direct.shrink(small.vcpus, small.ramMib),
    };
    const grown = await throughRest(large);
    const shrunk = await throughRest(small);
    const rest = { grow: grown.tookMs - grown.engineMs, shrink: shrunk.tookMs - shrunk.engineMs };
    runs.push({ byHand, rest, engineMs: grown.engineMs });
  }
  await direct.close();
  const of = (pick: (run: (typeof runs)[number]) => number) => runs.map(pick);
  report({
    bench: 'resize',
    image,
    pairs,
    queue: process.env['REDIS_URL'] ? 'redis' : 'postgres',
    growRestMs: round(median(of(({ rest }) => rest.grow))),
    growDirectMs: round(median(of(({ byHand }) => byHand.grow))),
    growRatio: round(median(of(({ rest, byHand }) => rest.grow / byHand.grow))),
    growAddedMs: round(median(of(({ rest, byHand }) => rest.grow - byHand.grow))),
    growRestP90Ms: round(
      quantile(
        of(({ rest }) => rest.grow),
        0.9,
      ),
    ),
    engineMs: round(median(of(({ engineMs }) => engineMs))),
    growWithEngineMs: round(median(of(({ rest, engineMs }) => rest.grow + engineMs))),
    growWithEngineRatio: round(
      median(of(({ rest, engineMs, byHand }) => (rest.grow + engineMs) / byHand.grow)),
    ),
    shrinkRestMs: round(median(of(({ rest }) => rest.shrink))),
    shrinkDirectMs: round(median(of(({ byHand }) => byHand.shrink))),
    aims: { growRatio: 1.25, growAddedMs: 60 },
  });
} finally {
  if (id !== undefined)
    await cloud.ended(await cloud.call('DELETE', `/v1/instances/${id}`)).catch(() => undefined);
  const { body: hosts } = await cloud.call('GET', '/v1/hosts');
  for (const host of hosts.items) await cloud.call('DELETE', `/v1/hosts/${host.id}`);
  await cloud.stop();
}
process.exit();

/** The micro image boots faster than its engine. */
async function engineReady(instance: string): Promise<void> {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(500)) {
    const { docker } = (await cloud.call('GET', `/v1/instances/${instance}`)).body;
    if (docker.state === 'ready') return;
  }
  throw new Error('the container engine of the guest does not get ready');
}
