import { conflict } from '../docker-error.js';
import type { Engine } from '../engine.js';
import type { Container } from './container.js';
import { containerEvent } from './container-events.js';
import { networksDown } from './container-networks.js';

/** Takes a container that does not run out of the engine. @throws DockerError 409 */
export function removeContainer(
  engine: Engine,
  container: Container,
  options: { force: boolean; volumes: boolean },
): void {
  if (container.state.status === 'removing')
    throw conflict(`removal of container ${container.name} is already in progress`);
  if ((container.running || container.state.status === 'restarting') && !options.force) {
    const paused = container.state.status === 'paused';
    const how = paused ? 'unpause and then stop the container' : 'stop the container';
    throw conflict(
      `cannot remove container "/${container.name}": container is ${paused ? 'paused' : container.state.status}: ${how} before removing or force remove`,
    );
  }
  container.cancelRestart?.();
  container.state.status = 'removing';
  networksDown(engine, container);
  container.layer.dispose();
  for (const exec of container.execs) engine.execs.delete(exec);
  engine.containers.delete(container.id);
  for (const { Type, Name } of container.mounts)
    if (Type === 'volume' && options.volumes) removeAnonymous(engine, Name!);
  containerEvent(engine, container, 'destroy');
  engine.releaseLayers();
  for (const tell of [...container.onRemoved]) tell(container.state.exitCode);
  for (const listener of [...container.listeners]) listener.end();
}

function removeAnonymous(engine: Engine, name: string): void {
  const users = volumeUsers(engine, name);
  if (!engine.volumes.volumes.get(name)?.anonymous || users.length > 0) return;
  engine.volumes.remove(name, [], true);
  engine.events.add('volume', 'destroy', name, { driver: 'local' });
}

export const volumeUsers = (engine: Engine, name: string): string[] =>
  [...engine.containers.values()]
    .filter(({ mounts }) => mounts.some((mount) => mount.Name === name))
    .map(({ id }) => id);
