import type { Engine } from '../engine.js';
import { launch } from '../containers/start.js';

/** The machine stops: every process ends at once, as without a shutdown. */
export function powerOff(engine: Engine): void {
  engine.closed = true;
  for (const container of engine.containers.values()) {
    container.cancelRestart?.();
    container.run?.table.killAll();
  }
}

/** The machine is on: `always` comes back, `unless-stopped` and `on-failure` if no client had stopped them. */
export function powerOn(engine: Engine): void {
  engine.closed = false;
  for (const container of engine.containers.values()) {
    const { Name } = container.hostConfig.RestartPolicy;
    const wanted =
      Name === 'always' ||
      (Name !== 'no' && !container.stoppedByClient && container.state.startedAt !== null);
    if (!wanted || container.run || container.state.status === 'created') continue;
    try {
      launch(engine, container);
    } catch {
      // Its state says why; the others come up all the same.
    }
  }
}
