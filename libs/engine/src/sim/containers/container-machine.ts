import type { Engine } from '../engine.js';
import { limits } from '../limits.js';
import { ipNumber } from '../networks/network.js';
import type { Machine, WebServer } from '../shell/machine.js';
import type { Container } from './container.js';
import { containerEvent } from './container-events.js';

/** Cores a container may use, from `--cpus` or a quota; null without a limit. */
export function cpuLimitOf({ hostConfig }: Container): number | null {
  if (hostConfig.NanoCpus > 0) return hostConfig.NanoCpus / 1e9;
  if (hostConfig.CpuQuota > 0) return hostConfig.CpuQuota / (hostConfig.CpuPeriod || 100_000);
  return null;
}

/** What the processes of a container see of the engine. */
export function machineOf(engine: Engine, container: Container, servers: Map<number, WebServer>): Machine {
  return {
    clock: engine.world.clock,
    tree: container.tree,
    hostname: container.config.Hostname,
    size: () => engine.world.size(),
    memoryLimit: () => container.hostConfig.Memory || null,
    cpuLimit: () => cpuLimitOf(container),
    onOom: () => {
      container.state.oomKilled = true;
      containerEvent(engine, container, 'oom');
    },
    turnWaitMs: () => engine.pace.waitMs(engine.now()),
    mayFork: () => engine.processes() < limits.processesPerEngine,
    listen: (port, server) => {
      servers.set(port, server);
      return () => servers.delete(port);
    },
    reach: (host, port) => {
      const address = resolve(engine, container, host);
      if (address === null) return null;
      const target = address === '127.0.0.1' ? container : neighbours(engine, container).get(address);
      return target?.run?.servers.get(port) ?? null;
    },
    resolve: (host) => resolve(engine, container, host),
  };
}

/** Containers in the same networks, by their address there. */
function neighbours(engine: Engine, container: Container): Map<string, Container> {
  const found = new Map<string, Container>();
  for (const { networkId } of container.attachments.values()) {
    const members = engine.networks.networks.get(networkId)?.members ?? new Map<string, never>();
    for (const [id, { endpoint }] of members) {
      const other = engine.containers.get(id);
      if (other && endpoint.ip) found.set(endpoint.ip, other);
    }
  }
  return found;
}

function resolve(engine: Engine, container: Container, host: string): string | null {
  if (host === 'localhost') return '127.0.0.1';
  if (ipNumber(host) !== null) return host;
  if (host === container.config.Hostname) return firstIp(container) ?? '127.0.0.1';
  for (const line of container.hostConfig.ExtraHosts ?? [])
    if (line.startsWith(`${host}:`)) return line.slice(host.length + 1);
  for (const [ip, other] of neighbours(engine, container)) {
    for (const [name, attachment] of other.attachments) {
      // Docker's own DNS serves user-defined networks only.
      if (attachment.endpoint?.ip !== ip || name === 'bridge') continue;
      if ([other.name, other.shortId, other.config.Hostname, ...attachment.aliases].includes(host)) return ip;
    }
  }
  return null;
}

export function firstIp(container: Container): string | null {
  for (const { endpoint } of container.attachments.values()) if (endpoint?.ip) return endpoint.ip;
  return null;
}
