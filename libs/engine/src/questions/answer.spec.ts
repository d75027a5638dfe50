import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { simulatedEngine } from '../sim/simulated-engine.fixture.js';
import { EngineAnswers } from './answer.js';

let engine: Awaited<ReturnType<typeof simulatedEngine>>;
beforeAll(async () => {
  engine = await simulatedEngine();
  await engine.ask('POST', '/images/create?fromImage=busybox&tag=latest');
});
afterAll(() => engine.close());

const answers = () => new EngineAnswers(() => engine.dial(), AbortSignal.timeout(5_000));
async function started(name: string, HostConfig: object = {}): Promise<string> {
  const body = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig };
  const { json } = await engine.ask('POST', `/containers/create?name=${name}`, body);
  expect((await engine.ask('POST', `/containers/${json.Id}/start`)).status).toBe(204);
  return json.Id as string;
}

describe('what a simulated engine says of its machine', () => {
  it('is its size, and that of a running container without limits, at every moment', async () => {
    expect(await answers().machine()).toEqual({ cpus: 2, memTotalMib: 1024, cgroups: 2, container: null });
    await started('limited', { Memory: 64 * 1024 * 1024 });
    expect(await answers().machine()).toMatchObject({ container: null });
    const free = await started('free');
    expect(await answers().machine()).toMatchObject({ cpus: 2, container: { name: 'free', cpus: 2 } });
    Object.assign(engine.size, { vcpus: 3, ramMib: 2048 });
    expect(await answers().machine()).toMatchObject({
      cpus: 3,
      memTotalMib: 2048,
      container: { name: 'free', cpus: 3 },
    });
    const { json: exec } = await engine.ask('POST', `/containers/${free}/exec`, {
      AttachStdout: true,
      Cmd: ['nproc'],
    });
    const said = await engine.ask('POST', `/exec/${exec.Id}/start`, { Detach: false });
    expect(said.bytes.toString('utf8', 8)).toBe('3\n');
    const stats = await engine.ask('GET', `/containers/${free}/stats?stream=false&one-shot=true`);
    expect(stats.json.memory_stats.limit).toBe(2048 * 1024 * 1024);
    Object.assign(engine.size, { vcpus: 2, ramMib: 1024 });
    expect(await answers().machine()).toMatchObject({ cpus: 2, memTotalMib: 1024, container: { cpus: 2 } });
    await engine.ask('POST', `/containers/${free}/stop?t=0`);
    expect(await answers().machine()).toMatchObject({ container: null });
  });

  it('and what its running containers were promised', async () => {
    await started('half', { NanoCpus: 5e8 });
    await started('quota', { CpuQuota: 150_000, CpuPeriod: 100_000 });
    await started('bound', { CpusetCpus: '0-1' });
    const found = await answers().containers();
    expect(found.map(({ id: _id, ...rest }) => rest).sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'bound', ramMib: null, cpus: null, cpuset: 2 },
      { name: 'half', ramMib: null, cpus: 0.5, cpuset: null },
      { name: 'limited', ramMib: 64, cpus: null, cpuset: null },
      { name: 'quota', ramMib: null, cpus: 1.5, cpuset: null },
    ]);
    expect(found[0]?.id).toMatch(/^[0-9a-f]{64}$/);
  });
});
