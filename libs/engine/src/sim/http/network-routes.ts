import { isRecord, part, text, texts, textMap, flag, type Json } from '../containers/config.js';
import { connect, disconnect } from '../containers/container-networks.js';
import { volumeUsers } from '../containers/remove.js';
import { notFound } from '../docker-error.js';
import { networkJson, predefined, type IpamConfig, type Network } from '../networks/network.js';
import { volumeJson, type Volume } from '../volumes/volume.js';
import { readJson, sendJson, truthy, type Exchange } from './exchange.js';
import { Filters } from './filters.js';
import { route, type Route } from './router.js';

function networks(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), [
    'dangling',
    'driver',
    'id',
    'label',
    'name',
    'scope',
    'type',
    'idOrName',
  ]);
  const dangling = filters.flag('dangling');
  const fits = (network: Network) =>
    filters.any('name', (value) => network.name.includes(value)) &&
    filters.any('id', (value) => network.id.startsWith(value)) &&
    filters.any('driver', (value) => network.driver === value) &&
    filters.any('scope', (value) => value === 'local') &&
    filters.any('type', (value) => (value === 'builtin') === predefined.has(network.name)) &&
    (dangling === null || dangling === (network.members.size === 0 && !predefined.has(network.name))) &&
    filters.matchesLabels(network.labels);
  sendJson(
    exchange,
    200,
    [...engine.networks.networks.values()].filter(fits).map((network) => networkJson(network, false)),
  );
}

async function createNetwork(exchange: Exchange): Promise<void> {
  const { engine } = exchange;
  const body = await readJson(exchange);
  const ipam = part(body, 'IPAM')['Config'];
  const network = engine.networks.create(text(body, 'Name'), {
    driver: text(body, 'Driver') || 'bridge',
    internal: flag(body, 'Internal'),
    attachable: flag(body, 'Attachable'),
    options: textMap(body, 'Options') ?? {},
    labels: textMap(body, 'Labels') ?? {},
    ipam: Array.isArray(ipam) ? ipam.filter(isRecord).map(ipamOf) : [],
  });
  engine.events.add('network', 'create', network.id, { name: network.name, type: network.driver });
  engine.onChange();
  sendJson(exchange, 201, { Id: network.id, Warning: '' });
}

const ipamOf = (config: Json): IpamConfig =>
  Object.fromEntries(
    ['Subnet', 'IPRange', 'Gateway']
      .map((key) => [key, text(config, key)])
      .filter(([, value]) => value !== ''),
  );

function removeNetwork(exchange: Exchange): void {
  const { engine, params } = exchange;
  const network = engine.networks.find(params[0]!);
  engine.networks.remove(network);
  engine.events.add('network', 'destroy', network.id, { name: network.name, type: network.driver });
  engine.onChange();
  sendJson(exchange, 204, undefined);
}

async function connectNetwork(exchange: Exchange): Promise<void> {
  const { engine, params } = exchange;
  const body = await readJson(exchange);
  const network = engine.networks.find(params[0]!);
  const endpoint = part(body, 'EndpointConfig');
  const wantedIp = text(part(endpoint, 'IPAMConfig'), 'IPv4Address') || null;
  connect(engine, network, engine.container(text(body, 'Container')), {
    aliases: texts(endpoint, 'Aliases') ?? [],
    wantedIp,
  });
  sendJson(exchange, 200, undefined);
}

async function disconnectNetwork(exchange: Exchange): Promise<void> {
  const { engine, params } = exchange;
  const body = await readJson(exchange);
  disconnect(engine, engine.networks.find(params[0]!), engine.container(text(body, 'Container')));
  sendJson(exchange, 200, undefined);
}

function pruneNetworks(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), ['label', 'label!', 'until']);
  const used = new Set([...engine.containers.values()].flatMap(({ attachments }) => [...attachments.keys()]));
  const gone = [...engine.networks.networks.values()].filter(
    (network) =>
      !predefined.has(network.name) && !used.has(network.name) && filters.matchesLabels(network.labels),
  );
  for (const network of gone) engine.networks.remove(network);
  engine.onChange();
  sendJson(exchange, 200, { NetworksDeleted: gone.length > 0 ? gone.map(({ name }) => name) : null });
}

function volumes(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), ['dangling', 'driver', 'label', 'name']);
  const dangling = filters.flag('dangling');
  const fits = (volume: Volume) =>
    filters.any('name', (value) => volume.name.includes(value)) &&
    filters.any('driver', (value) => value === 'local') &&
    (dangling === null || dangling === (volumeUsers(engine, volume.name).length === 0)) &&
    filters.matchesLabels(volume.labels ?? {});
  const found = [...engine.volumes.volumes.values()].filter(fits);
  sendJson(exchange, 200, { Volumes: found.map((volume) => volumeJson(volume)), Warnings: null });
}

async function createVolume(exchange: Exchange): Promise<void> {
  const { engine } = exchange;
  const body = await readJson(exchange);
  const driver = text(body, 'Driver') || 'local';
  if (driver !== 'local')
    throw notFound(
      `create ${text(body, 'Name')}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
    );
  const anonymous = text(body, 'Name') === '';
  const name = text(body, 'Name') || engine.world.id();
  const labels = anonymous
    ? { 'com.docker.volume.anonymous': '', ...textMap(body, 'Labels') }
    : textMap(body, 'Labels');
  const isNew = !engine.volumes.volumes.has(name);
  const volume = engine.volumes.ensure(name, { labels, options: textMap(body, 'DriverOpts'), anonymous });
  if (isNew) engine.events.add('volume', 'create', name, { driver: 'local' });
  engine.onChange();
  sendJson(exchange, 201, volumeJson(volume));
}

function removeVolume(exchange: Exchange): void {
  const { engine, params, query } = exchange;
  const name = params[0]!;
  engine.volumes.remove(name, volumeUsers(engine, name), truthy(query, 'force'));
  engine.events.add('volume', 'destroy', name, { driver: 'local' });
  engine.onChange();
  sendJson(exchange, 204, undefined);
}

function pruneVolumes(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), ['label', 'label!', 'all']);
  const all = filters.flag('all') === true;
  const gone = [...engine.volumes.volumes.values()].filter(
    ({ name, anonymous, labels }) =>
      (all || anonymous) && volumeUsers(engine, name).length === 0 && filters.matchesLabels(labels ?? {}),
  );
  const bytes = gone.reduce((sum, { tree }) => sum + tree.upper.bytes, 0);
  for (const { name } of gone) engine.volumes.remove(name, [], true);
  engine.onChange();
  sendJson(exchange, 200, {
    VolumesDeleted: gone.map(({ name }) => name),
    SpaceReclaimed: bytes,
  });
}

export const networkRoutes: readonly Route[] = [
  route('GET', '/networks', networks),
  route('POST', '/networks/create', createNetwork),
  route('POST', '/networks/prune', pruneNetworks),
  route('GET', '/networks/{}', (exchange) =>
    sendJson(exchange, 200, networkJson(exchange.engine.networks.find(exchange.params[0]!), true)),
  ),
  route('DELETE', '/networks/{}', removeNetwork),
  route('POST', '/networks/{}/connect', connectNetwork),
  route('POST', '/networks/{}/disconnect', disconnectNetwork),
  route('GET', '/volumes', volumes),
  route('POST', '/volumes/create', createVolume),
  route('POST', '/volumes/prune', pruneVolumes),
  route('GET', '/volumes/{}', (exchange) =>
    sendJson(exchange, 200, volumeJson(exchange.engine.volumes.find(exchange.params[0]!))),
  ),
  route('DELETE', '/volumes/{}', removeVolume),
];
