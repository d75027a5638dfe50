import { badRequest, conflict, notFound, failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { signalNumber } from '../shell/signals.js';
import { checkHostConfig, refuseTaken } from './create.js';
import { isRecord, part, text, type Json } from './config.js';
import type { Container } from './container.js';
import { containerEvent } from './container-events.js';
import { removeContainer } from './remove.js';
import { startContainer } from './start.js';

const defaultStopSeconds = 10;

/** Sends the stop signal, then SIGKILL when its time is over. @returns false when it does not run. */
export async function stopContainer(
  engine: Engine,
  container: Container,
  seconds: number | null,
): Promise<boolean> {
  container.stoppedByClient = true;
  if (!container.run) {
    if (container.state.status !== 'restarting') return false;
    container.cancelRestart?.();
    return true;
  }
  const { run } = container;
  const signal = signalNumber(container.config.StopSignal ?? 'SIGTERM') ?? 15;
  run.table.unpause();
  sendSignal(engine, container, signal);
  const wait = seconds ?? container.config.StopTimeout ?? defaultStopSeconds;
  const late = new AbortController();
  if (wait >= 0)
    engine.world.clock.sleep(wait * 1000, late.signal).then(
      () => container.run === run && sendSignal(engine, container, 9),
      () => undefined,
    );
  await run.over;
  late.abort();
  containerEvent(engine, container, 'stop');
  return true;
}

function sendSignal(engine: Engine, container: Container, signal: number): void {
  containerEvent(engine, container, 'kill', { signal: String(signal) });
  if (signal === 9) container.run?.table.killAll();
  else if (container.hostConfig.Init)
    for (const process of container.run?.table.processes.values() ?? []) process.end(signal);
  else container.run?.table.processes.get(1)?.kill(signal);
}

export async function killContainer(
  engine: Engine,
  container: Container,
  name: string,
  signalText: string,
): Promise<void> {
  const signal = signalNumber(signalText || 'KILL');
  if (signal === null) throw badRequest(`Invalid signal: ${signalText}`);
  const { run } = container;
  if (!run) throw conflict(`cannot kill container: ${name}: container ${container.id} is not running`);
  if (signal === 9) container.stoppedByClient = true;
  sendSignal(engine, container, signal);
  if (signal === 9) await run.over;
}

export async function restartContainer(
  engine: Engine,
  container: Container,
  seconds: number | null,
): Promise<void> {
  await stopContainer(engine, container, seconds);
  // An exit with --rm would have taken it away; dockerd spares it on restart.
  if (!engine.containers.has(container.id)) throw notFound(`No such container: ${container.id}`);
  startContainer(engine, container);
  containerEvent(engine, container, 'restart');
}

export function pauseContainer(engine: Engine, container: Container): void {
  if (container.state.status === 'paused') throw conflict(`container ${container.id} is already paused`);
  if (!container.run) throw conflict(`container ${container.id} is not running`);
  container.run.table.pause();
  container.state.status = 'paused';
  containerEvent(engine, container, 'pause');
}

export function unpauseContainer(engine: Engine, container: Container): void {
  if (container.state.status !== 'paused') throw failure(`Container ${container.id} is not paused`);
  container.state.status = 'running';
  container.run?.table.unpause();
  containerEvent(engine, container, 'unpause');
}

export function renameContainer(engine: Engine, container: Container, asked: string): void {
  const name = asked.replace(/^\//, '');
  if (name === '') throw badRequest('Neither old nor new names may be empty');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    throw badRequest(
      `Error when allocating new name: Invalid container name (/${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  if (name === container.name)
    throw badRequest('Renaming a container with the same name as its current name');
  refuseTaken(engine, name);
  const oldName = `/${container.name}`;
  container.name = name;
  containerEvent(engine, container, 'rename', { oldName });
}

const updatable = [
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'NanoCpus',
  'CpuShares',
  'CpuPeriod',
  'CpuQuota',
  'PidsLimit',
] as const;

/** `docker update`: limits of a container that may be running. */
export function updateContainer(engine: Engine, container: Container, body: Json): void {
  const changed: Record<string, unknown> = {};
  for (const field of updatable)
    if (typeof body[field] === 'number' && body[field] !== 0) changed[field] = body[field];
  const policy = part(body, 'RestartPolicy');
  if (isRecord(policy) && text(policy, 'Name') !== '')
    changed['RestartPolicy'] = {
      Name: text(policy, 'Name'),
      MaximumRetryCount: Number(policy['MaximumRetryCount'] ?? 0),
    };
  const after = { ...container.hostConfig, ...changed };
  checkHostConfig(engine, after);
  const swap = container.hostConfig.MemorySwap;
  if (after.Memory > swap && swap > 0 && changed['MemorySwap'] === undefined)
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  container.run?.table.settle();
  Object.assign(container.hostConfig, changed);
  containerEvent(engine, container, 'update');
}

export async function deleteContainer(
  engine: Engine,
  container: Container,
  options: { force: boolean; volumes: boolean },
): Promise<void> {
  if (options.force && container.run) {
    container.stoppedByClient = true;
    container.hostConfig.AutoRemove = false;
    const { over } = container.run;
    sendSignal(engine, container, 9);
    await over;
    // Let the exit be told before the removal.
    await Promise.resolve();
  }
  if (engine.containers.has(container.id)) removeContainer(engine, container, options);
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** Resolves with the exit code; null when the asker has left. */
export function waitFor(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<number | null> {
  if (condition === 'not-running' && !container.running && container.state.status !== 'restarting')
    return Promise.resolve(container.state.exitCode);
  const listeners = condition === 'removed' ? container.onRemoved : container.onExit;
  return new Promise((resolve) => {
    const done = (code: number | null) => {
      container.onExit.delete(done);
      container.onRemoved.delete(done);
      resolve(code);
    };
    listeners.add(done);
    // What is removed will not exit any more.
    container.onRemoved.add(done);
    signal.addEventListener('abort', () => done(null), { once: true });
  });
}
