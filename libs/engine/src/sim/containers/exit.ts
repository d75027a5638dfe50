import type { Engine } from '../engine.js';
import type { Container } from './container.js';
import { containerEvent } from './container-events.js';
import { networksDown } from './container-networks.js';
import { removeContainer } from './remove.js';

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A run this long forgives those before it. */
const healthyRunMs = 10_000;

/** Starts the first process again. */
export type Launch = (engine: Engine, container: Container) => void;

/** The first process has ended: the state, the clients, the policy. */
export function exited(engine: Engine, container: Container, code: number, launch: Launch): void {
  const { state } = container;
  const ranMs = engine.now() - (state.startedAt ?? 0);
  container.logs.flush(engine.now());
  container.run = null;
  // What is on its way to a started container is not for the next run.
  container.stdin?.close();
  container.stdin = null;
  networksDown(engine, container);
  Object.assign(state, { status: 'exited', exitCode: code, finishedAt: engine.now() });
  containerEvent(engine, container, 'die', { exitCode: String(code) });
  const again = restarts(container, code) && !engine.closed;
  if (again) state.status = 'restarting';
  for (const listener of [...container.listeners]) listener.end();
  container.logs.wake();
  for (const tell of [...container.onExit]) tell(code);
  if (again) restartLater(engine, container, ranMs, launch);
  else if (container.hostConfig.AutoRemove && !engine.closed)
    removeContainer(engine, container, { force: true, volumes: true });
}

function restarts(container: Container, code: number): boolean {
  const { Name, MaximumRetryCount } = container.hostConfig.RestartPolicy;
  if (container.stoppedByClient || Name === 'no') return false;
  if (Name !== 'on-failure') return true;
  return code !== 0 && (MaximumRetryCount === 0 || container.restartCount < MaximumRetryCount);
}

function restartLater(engine: Engine, container: Container, ranMs: number, launch: Launch): void {
  if (ranMs >= healthyRunMs) container.restartCount = 0;
  const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(container.restartCount, 20));
  const stop = new AbortController();
  container.cancelRestart = () => {
    stop.abort();
    container.cancelRestart = null;
    if (container.state.status === 'restarting') container.state.status = 'exited';
  };
  engine.world.clock.sleep(delay, stop.signal).then(
    () => {
      container.cancelRestart = null;
      container.restartCount++;
      try {
        launch(engine, container);
      } catch {
        container.state.status = 'exited';
      }
    },
    () => undefined,
  );
}
