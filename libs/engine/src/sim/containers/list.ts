import { badRequest } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { Filters } from '../http/filters.js';
import { sizeOf } from '../images/image.js';
import type { Container } from './container.js';
import { endpointJson, shownImage, statusText } from './inspect.js';

export const containerFilters = [
  'ancestor',
  'before',
  'expose',
  'exited',
  'health',
  'id',
  'isolation',
  'is-task',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];

const statuses = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];

export interface ListQuery {
  readonly all: boolean;
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
}

/** `GET /containers/json`: the newest first. */
export function listContainers(engine: Engine, { all, limit, size, filters }: ListQuery): object[] {
  for (const status of filters.values('status'))
    if (!statuses.includes(status)) throw badRequest(`invalid filter 'status=${status}'`);
  const everything = all || limit > 0 || filters.has('status') || filters.has('exited');
  const newest = [...engine.containers.values()].sort((a, b) => b.created - a.created);
  const position = new Map(newest.map((container, i) => [container, newest.length - i]));
  const bound = (key: string) => filters.values(key).map((name) => position.get(engine.container(name))!)[0];
  const [before, since] = [bound('before'), bound('since')];
  const chosen = newest.filter((container) => {
    const at = position.get(container)!;
    if (!everything && !container.running && before === undefined && since === undefined) return false;
    if (before !== undefined && at >= before) return false;
    if (since !== undefined && at <= since) return false;
    return matches(engine, container, filters);
  });
  return (limit > 0 ? chosen.slice(0, limit) : chosen).map((container) => lineOf(engine, container, size));
}

function matches(engine: Engine, container: Container, filters: Filters): boolean {
  const { state, mounts, attachments, image } = container;
  return (
    filters.any('status', (value) => state.status === value) &&
    filters.any('exited', (value) => state.status === 'exited' && state.exitCode === Number(value)) &&
    filters.any('id', (value) => container.id.startsWith(value)) &&
    filters.any('name', (value) => nameMatches(value, container.name)) &&
    filters.any('network', (value) =>
      [...attachments].some(([name, { networkId }]) => name === value || networkId.startsWith(value)),
    ) &&
    filters.any('volume', (value) =>
      mounts.some((mount) => mount.Name === value || mount.Destination === value),
    ) &&
    filters.any('ancestor', (value) => isDescendant(engine, image.id, value)) &&
    filters.any('publish', (value) => hasPort(Object.keys(container.hostConfig.PortBindings), value)) &&
    filters.any('expose', (value) => hasPort(Object.keys(container.config.ExposedPorts ?? {}), value)) &&
    filters.any('health', (value) => value === 'none') &&
    filters.matchesLabels(container.config.Labels)
  );
}

/** A regular expression in dockerd; here its anchors and plain text, which is what clients send. */
function nameMatches(pattern: string, name: string): boolean {
  const plain = pattern.replace(/^\^?\/?/, '').replace(/\$$/, '');
  const start = pattern.startsWith('^');
  const end = pattern.endsWith('$');
  if (start && end) return name === plain;
  return start ? name.startsWith(plain) : end ? name.endsWith(plain) : name.includes(plain);
}

const hasPort = (ports: readonly string[], value: string): boolean =>
  ports.some((port) => port === value || port.split('/')[0] === value);

function isDescendant(engine: Engine, imageId: string, ancestor: string): boolean {
  const wanted = engine.images.lookUp(ancestor)?.id;
  for (let id: string | undefined = imageId; id && wanted; id = engine.images.images.get(id)?.parent)
    if (id === wanted) return true;
  return false;
}

function lineOf(engine: Engine, container: Container, withSize: boolean): object {
  const { id, config, state, image } = container;
  const command = container.argv.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(' ');
  const networks = [...container.attachments].map(([name, attachment]) => [
    name,
    endpointJson(container, name, attachment),
  ]);
  return {
    Id: id,
    Names: [`/${container.name}`],
    Image: shownImage(engine, container),
    ImageID: image.id,
    Command: command,
    Created: Math.floor(container.created / 1000),
    Ports: portLines(container),
    ...(withSize
      ? { SizeRw: container.layer.bytes || undefined, SizeRootFs: sizeOf(image) + container.layer.bytes }
      : {}),
    Labels: config.Labels,
    State: state.status,
    Status: statusText(container, engine.now()),
    HostConfig: { NetworkMode: container.hostConfig.NetworkMode },
    NetworkSettings: { Networks: Object.fromEntries(networks) },
    Mounts: container.mounts,
  };
}

function portLines({ ports, run }: Container): object[] {
  if (!run) return [];
  return Object.entries(ports).flatMap(([port, bindings]) => {
    const [number = '', Type = 'tcp'] = port.split('/');
    const PrivatePort = Number(number);
    if (bindings.length === 0) return [{ PrivatePort, Type }];
    return bindings.map(({ HostIp, HostPort }) => ({
      IP: HostIp,
      PrivatePort,
      PublicPort: Number(HostPort),
      Type,
    }));
  });
}
