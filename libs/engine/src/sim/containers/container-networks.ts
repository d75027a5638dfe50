import { conflict, failure, notFound } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { predefined, type Network } from '../networks/network.js';
import type { PortBinding } from './config.js';
import type { Attachment, Container } from './container.js';

const firstEphemeral = 32768;
const lastEphemeral = 60999;

/** Addresses and published ports of a container that starts. @throws DockerError */
export function networksUp(engine: Engine, container: Container): void {
  for (const [name, attachment] of container.attachments) joinNetwork(engine, container, name, attachment);
  container.ports = publishedPorts(engine, container);
}

export function networksDown(engine: Engine, container: Container): void {
  for (const attachment of container.attachments.values()) leave(engine, container, attachment);
  container.ports = {};
}

function joinNetwork(engine: Engine, container: Container, name: string, attachment: Attachment): void {
  const network = engine.networks.networks.get(attachment.networkId) ?? engine.networks.lookUp(name);
  if (!network) throw notFound(`network ${name} not found`);
  const endpoint = engine.networks.join(network, container.id, container.name, attachment.wantedIp);
  container.attachments.set(name, { ...attachment, networkId: network.id, endpoint });
  engine.events.add('network', 'connect', network.id, {
    container: container.id,
    name: network.name,
    type: network.driver,
  });
}

function leave(engine: Engine, container: Container, attachment: Attachment): void {
  const network = engine.networks.networks.get(attachment.networkId);
  if (attachment.endpoint && network?.members.delete(container.id))
    engine.events.add('network', 'disconnect', network.id, {
      container: container.id,
      name: network.name,
      type: network.driver,
    });
  attachment.endpoint = null;
}

/** `docker network connect`. */
export function connect(
  engine: Engine,
  network: Network,
  container: Container,
  parts: Partial<Attachment>,
): void {
  if (container.attachments.has(network.name))
    throw failure(`endpoint with name ${container.name} already exists in network ${network.name}`);
  if (network.name === 'host' || container.hostConfig.NetworkMode === 'host')
    throw conflict('container cannot be disconnected from host network or connected to host network');
  const attachment: Attachment = {
    networkId: network.id,
    aliases: [],
    wantedIp: null,
    ...parts,
    endpoint: null,
  };
  if (container.run) joinNetwork(engine, container, network.name, attachment);
  else container.attachments.set(network.name, attachment);
  engine.onChange();
}

/** `docker network disconnect`. */
export function disconnect(engine: Engine, network: Network, container: Container): void {
  const attachment = container.attachments.get(network.name);
  if (!attachment) throw failure(`container ${container.id} is not connected to network ${network.name}`);
  leave(engine, container, attachment);
  container.attachments.delete(network.name);
  engine.onChange();
}

export const isPredefined = (network: Network): boolean => predefined.has(network.name);

function publishedPorts(engine: Engine, container: Container): Record<string, PortBinding[]> {
  const { hostConfig, config } = container;
  if (hostConfig.NetworkMode === 'host' || hostConfig.NetworkMode === 'none') return {};
  const taken = new Set(
    [...engine.containers.values()].flatMap((other) => (other === container ? [] : bound(other))),
  );
  const ports: Record<string, PortBinding[]> = {};
  for (const port of Object.keys(config.ExposedPorts ?? {})) {
    const asked =
      hostConfig.PortBindings[port] ?? (hostConfig.PublishAllPorts ? [{ HostIp: '', HostPort: '' }] : []);
    ports[port] = asked.flatMap((binding) => bind(container, port, binding, taken));
  }
  for (const [port, asked] of Object.entries(hostConfig.PortBindings))
    ports[port] ??= asked.flatMap((binding) => bind(container, port, binding, taken));
  return ports;
}

function bind(
  container: Container,
  port: string,
  { HostIp, HostPort }: PortBinding,
  taken: Set<string>,
): PortBinding[] {
  const protocol = port.split('/')[1] ?? 'tcp';
  const wanted = HostPort || String(freePort(taken, protocol));
  if (taken.has(`${wanted}/${protocol}`))
    throw failure(
      `driver failed programming external connectivity on endpoint ${container.name} (${container.id}): Bind for ${HostIp || '0.0.0.0'}:${wanted} failed: port is already allocated`,
    );
  taken.add(`${wanted}/${protocol}`);
  if (HostIp !== '') return [{ HostIp, HostPort: wanted }];
  return [
    { HostIp: '0.0.0.0', HostPort: wanted },
    { HostIp: '::', HostPort: wanted },
  ];
}

function freePort(taken: ReadonlySet<string>, protocol: string): number {
  for (let port = firstEphemeral; port <= lastEphemeral; port++)
    if (!taken.has(`${port}/${protocol}`)) return port;
  throw failure('all ports are allocated');
}

const bound = ({ ports }: Container): string[] =>
  Object.entries(ports).flatMap(([port, list]) =>
    list.map(({ HostPort }) => `${HostPort}/${port.split('/')[1] ?? 'tcp'}`),
  );
