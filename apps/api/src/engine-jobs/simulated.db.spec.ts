import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SimGuestStreams } from '@bellows/hypervisor/sim/guest-stream';
import type { ApiSettings } from '../api-settings.js';
import { DockerBench, until } from '../docker/docker-bench.fixture.js';
import { SETTINGS } from '../provider-names.js';
import { listed } from './engine-jobs-bench.fixture.js';

let bench: DockerBench;
let simulated: SimGuestStreams;
beforeAll(async () => {
  bench = await DockerBench.start(undefined, { BELLOWS_ENGINE_EVENTS: 'on' });
  simulated = new SimGuestStreams(bench.api.app.get<ApiSettings>(SETTINGS).fleet!);
  bench.engine.open = ((...args: Parameters<SimGuestStreams['open']>) => simulated.open(...args)) as never;
}, 60_000);
afterAll(async () => {
  await simulated.close();
  await bench.close();
}, 30_000);

const docker = async (method: string, path: string, body?: object) => {
  const answer = await bench.api.call(method, bench.path(path), body, { token: bench.tokens.member });
  return { ...answer, body: answer.body as any };
};
const ofVerb = async (verb: string) => (await listed(bench, `?verb=${encodeURIComponent(verb)}`))[0];

describe('the jobs of a simulated engine', () => {
  it('tell of a container from its creation to its end', async () => {
    await until(async () => (await docker('GET', '/version')).status === 200, 20_000);
    expect((await docker('POST', '/images/create?fromImage=busybox&tag=latest')).status).toBe(200);
    const cmd = { Image: 'busybox', Cmd: ['sh', '-c', 'exit 3'] };
    const created = await docker('POST', '/v1.45/containers/create', cmd);
    expect(created.status).toBe(201);
    const id = String(created.body.Id);
    const wait = docker('POST', `/v1.45/containers/${id.slice(0, 12)}/wait?condition=next-exit`);
    await until(async () => (await ofVerb('container wait'))?.outcome === 'running');
    expect((await docker('POST', `/v1.45/containers/${id}/start`)).status).toBe(204);
    expect((await wait).body).toMatchObject({ StatusCode: 3 });
    await until(async () => (await ofVerb('container wait')).events.length > 0);
    await until(async () => (await ofVerb('container start')).events.length > 0);
    const name = (await docker('GET', `/containers/${id}/json`)).body.Name.slice(1);
    expect(await ofVerb('image pull')).toMatchObject({
      image: { name: 'busybox:latest' },
      events: [{ type: 'image', action: 'pull' }],
    });
    expect(await ofVerb('container create')).toMatchObject({
      outcome: 'succeeded',
      httpStatus: 201,
      container: { id, name },
      image: { name: 'busybox' },
      events: [{ type: 'container', action: 'create', id }],
    });
    const start = await ofVerb('container start');
    expect(start).toMatchObject({ httpStatus: 204, container: { id, name } });
    expect(start.events[0]).toMatchObject({ action: 'start' });
    expect(await ofVerb('container wait')).toMatchObject({
      outcome: 'succeeded',
      container: { id, name },
      events: [{ action: 'die', exitCode: 3 }],
    });
  }, 60_000);
});
