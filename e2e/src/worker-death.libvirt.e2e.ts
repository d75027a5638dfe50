import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hostsAndInstances, reservedAgree } from './support/books.js';
import { root } from './support/cloud.js';
import { answersFromOutside } from './support/guest-shell.js';
import { domains, volumes } from './support/host.js';
import { Lab, type LabGuest } from './support/lab.js';
import { workerOf } from './support/processes.js';
import { enforced, markOf } from './support/qemu.js';

const ended = ['succeeded', 'partial', 'rolled-back', 'failed', 'stuck', 'cancelled'];
const sizes = { small: { vcpus: 1, ramMib: 1024 }, large: { vcpus: 2, ramMib: 2048 } };

/** Whoever does the work may die at any moment; the next one finishes it or takes it back. */
describe('the worker dies while it works on a real guest', () => {
  let lab: Lab;
  let guest: LabGuest;
  const tell = (what: string, figures: object) =>
    process.stdout.write(`worker-death  ${what.padEnd(26)} ${JSON.stringify(figures)}\n`);
  const operation = async (id: string) => (await lab.cloud.call('GET', `/v1/operations/${id}`)).body;
  const worker = () => workerOf(lab.cloud.supervisor.pid!).pid;

  async function whenRunning(id: string, step?: string) {
    for (const until = Date.now() + 120_000; ; await sleep(10)) {
      const body = await operation(id);
      if (body.steps.some(({ name, state }: any) => state === 'running' && name === (step ?? name)))
        return body;
      if (ended.includes(body.state) || Date.now() > until)
        throw new Error(`${step ?? 'no step'} was not seen running: ${JSON.stringify(body)}`);
    }
  }

  /** Kills the worker in that step, and waits until the supervisor has another. */
  async function killIn(id: string, step?: string, laterMs = 0): Promise<string> {
    await whenRunning(id, step);
    await sleep(laterMs);
    const before = worker();
    const { state, steps } = await operation(id);
    process.kill(before, 'SIGKILL');
    for (const until = Date.now() + 30_000; Date.now() < until; await sleep(50)) {
      try {
        if (worker() !== before) break;
      } catch {
        // Between the two there is none.
      }
    }
    return ended.includes(state)
      ? 'ended before'
      : (steps.find((s: any) => s.state === 'running')?.name ?? state);
  }

  /** Claims, QEMU, the quota and the bill agree on one size. */
  async function booksAreReal() {
    const { state, size } = await lab.instance(guest.id);
    expect(state).toBe('running');
    const real = await enforced(guest.id);
    expect(size.held).toEqual(real);
    expect(size.reserved).toEqual(real);
    expect(await lab.billed(guest.id)).toEqual(real);
    expect(reservedAgree(await hostsAndInstances(lab.cloud))).toEqual([]);
    return real;
  }

  beforeAll(async () => {
    lab = await Lab.start({ BELLOWS_WORKER_LEASE_MS: '12000' });
  }, 240_000);
  afterAll(() => lab?.close(), 300_000);

  it('twice in one create: the third finishes it', async () => {
    const began = Date.now();
    const answer = await lab.ask('survivor');
    const { id } = answer.body.operation;
    const first = await killIn(id, 'create-volumes', 200);
    const second = await killIn(id, 'await-agent', 500);
    const done = await lab.cloud.ended(answer, 300_000);
    expect(done).toMatchObject({ state: 'succeeded', confirmedBy: 'guest' });
    guest = await lab.guest(answer.body.instance.id);
    await guest.shell.startCounter();
    tell('create', {
      killedIn: [first, second],
      ended: done.state,
      tookS: (Date.now() - began) / 1000,
      books: await booksAreReal(),
    });
  }, 480_000);

  it.each([
    ['grow', 'large', 'grow-memory', 0],
    ['shrink', 'small', 'shrink-vcpus', 0],
    ['grow', 'large', 'confirm-growth', 0],
    ['shrink', 'small', 'shrink-memory', 100],
  ] as const)(
    'in a %s to %s, in %s',
    async (_what, to, step, laterMs) => {
      const before = await guest.shell.facts();
      const was = await enforced(guest.id);
      const answer = await lab.cloud.call('POST', `/v1/instances/${guest.id}/resize`, sizes[to]);
      const inStep = await killIn(answer.body.operation.id, step, laterMs).catch(
        (error: Error) => error.message,
      );
      const done = await lab.cloud.ended(answer, 120_000);
      expect(['succeeded', 'rolled-back']).toContain(done.state);
      const real = await booksAreReal();
      expect(real).toMatchObject(
        done.state === 'succeeded' ? sizes[to] : { vcpus: was.vcpus, ramMib: was.ramMib },
      );
      const after = await guest.shell.facts();
      expect(after).toMatchObject({ bootId: before.bootId, cpus: real.vcpus });
      expect(after.counter).toBeGreaterThan(before.counter);
      tell(`resize to ${to}`, {
        killedIn: inStep,
        ended: done.state,
        real,
        guestCpus: after.cpus,
        memTotalMib: after.memTotalMib,
      });
    },
    240_000,
  );

  it('or only sleeps past its lease: another takes over, and the late one changes nothing', async () => {
    const sleeper = worker();
    const environment = Object.fromEntries(
      readFileSync(`/proc/${sleeper}/environ`, 'utf8')
        .split('\0')
        .filter((pair) => pair.includes('='))
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
    const answer = await lab.cloud.call('POST', `/v1/instances/${guest.id}/resize`, sizes.large);
    await whenRunning(answer.body.operation.id);
    process.kill(sleeper, 'SIGSTOP');
    const asleep = await operation(answer.body.operation.id);
    const second = spawn(process.execPath, [`${root}/apps/worker/dist/main.js`], {
      env: { ...environment, BELLOWS_WORKER_PORT: '0' },
      stdio: 'ignore',
    });
    try {
      const done = await lab.cloud.ended(answer, 120_000);
      expect(done.state).toBe('succeeded');
      // The second goes on, so that what the first would do shows against what should be.
      const back = await lab.resize(guest.id, sizes.small);
      expect(back.state).toBe('succeeded');
      const [books, mark] = [await booksAreReal(), await markOf(guest.id)];
      process.kill(sleeper, 'SIGCONT');
      await sleep(8_000);
      expect(await booksAreReal()).toEqual(books);
      expect(books).toMatchObject(sizes.small);
      const later = await markOf(guest.id);
      expect(later.fence).toBeGreaterThanOrEqual(mark.fence);
      expect(await operation(answer.body.operation.id)).toEqual(done);
      tell('stopped, then continued', {
        stoppedIn: asleep.steps.find((s: any) => s.state === 'running')?.name ?? asleep.state,
        ended: done.state,
        fence: [mark.fence, later.fence],
        books,
      });
    } finally {
      process.kill(sleeper, 'SIGCONT');
      const gone = new Promise((resolve) => second.once('exit', resolve));
      second.kill('SIGTERM');
      await gone;
    }
  }, 300_000);

  it('and when the guest is deleted under a dying worker, nothing is left', async () => {
    const answer = await lab.cloud.call('DELETE', `/v1/instances/${guest.id}`);
    const inStep = await killIn(answer.body.operation.id).catch((error: Error) => error.message);
    const done = await lab.cloud.ended(answer, 120_000);
    expect(done.state).toBe('succeeded');
    expect(await domains()).not.toContain(guest.id);
    expect(await volumes()).not.toContain(guest.id);
    expect(await answersFromOutside(guest.address)).toBe(false);
    expect(await lab.host()).toMatchObject({ instances: 0, reserved: { vcpus: 0, ramMib: 0, diskGib: 0 } });
    expect((await lab.cloud.call('GET', `/v1/instances/${guest.id}`)).status).toBe(404);
    tell('delete', { killedIn: inStep, ended: done.state, left: 0 });
  }, 180_000);
});
