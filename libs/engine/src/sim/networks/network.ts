import { badRequest, conflict, DockerError, failure, notFound } from '../docker-error.js';
import { limits } from '../limits.js';
import { rfc3339Nano, sha256 } from '../world.js';
import type { Endpoint } from '../containers/container.js';

export interface IpamConfig {
  readonly Subnet?: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
}

/** A modelled network; `members` maps container ids to their addresses in it. */
export interface Network {
  readonly id: string;
  readonly name: string;
  /** Milliseconds. */
  readonly created: number;
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipam: readonly IpamConfig[];
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly members: Map<string, { readonly name: string; readonly endpoint: Endpoint }>;
}

export const predefined: ReadonlySet<string> = new Set(['bridge', 'host', 'none']);

export const ipNumber = (text: string): number | null => {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
};

const ipText = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');

interface Range {
  readonly first: number;
  readonly size: number;
  readonly prefix: number;
}

export function parseCidr(text: string): Range | null {
  const [address = '', bits = ''] = text.split('/');
  const ip = ipNumber(address);
  const prefix = Number(bits);
  if (ip === null || !/^\d+$/.test(bits) || prefix < 8 || prefix > 30) return null;
  const size = 2 ** (32 - prefix);
  return { first: Math.floor(ip / size) * size, size, prefix };
}

const overlap = (a: Range, b: Range): boolean => a.first < b.first + b.size && b.first < a.first + a.size;

/** The networks of one engine. */
export class NetworkSet {
  readonly networks = new Map<string, Network>();

  constructor(
    private readonly id: () => string,
    private readonly now: () => number,
  ) {}

  /** `bridge`, `host` and `none`, of a new engine. */
  addPredefined(): void {
    this.add('bridge', {
      driver: 'bridge',
      ipam: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }],
      options: bridgeOptions,
    });
    this.add('host', { driver: 'host' });
    this.add('none', { driver: 'null' });
  }

  /** By id, name, or the beginning of an id. */
  lookUp(text: string): Network | null {
    const all = [...this.networks.values()];
    const exact = this.networks.get(text) ?? all.find(({ name }) => name === text);
    if (exact || !/^[0-9a-f]+$/.test(text)) return exact ?? null;
    const found = all.filter(({ id }) => id.startsWith(text));
    if (found.length > 1)
      throw badRequest(`network ${text} is ambiguous (${found.length} matches found on ID prefix)`);
    return found[0] ?? null;
  }

  find(text: string): Network {
    const network = this.lookUp(text);
    if (!network) throw notFound(`network ${text} not found`);
    return network;
  }

  create(name: string, parts: Partial<Network>): Network {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw badRequest(`invalid network name: ${name}`);
    if (predefined.has(name))
      throw new DockerError(403, `operation is not permitted on predefined ${name} network`);
    if ([...this.networks.values()].some((network) => network.name === name))
      throw conflict(`network with name ${name} already exists`);
    if (!['bridge', 'overlay', 'macvlan', 'ipvlan', 'null', 'host'].includes(parts.driver ?? 'bridge'))
      throw notFound(`could not find a driver with name ${parts.driver}: plugin "${parts.driver}" not found`);
    if (parts.driver !== undefined && parts.driver !== 'bridge')
      throw badRequest(`network driver ${parts.driver} is not modelled by the Bellows simulator`);
    if (this.networks.size >= limits.networks)
      throw failure('all predefined address pools have been fully subnetted');
    const asked = (parts.ipam ?? []).filter(({ Subnet }) => Subnet);
    return this.add(name, {
      ...parts,
      driver: 'bridge',
      ipam: asked.length > 0 ? asked.map((config) => this.checked(config)) : [this.freePool()],
    });
  }

  remove(network: Network): void {
    if (predefined.has(network.name))
      throw new DockerError(403, `${network.name} is a pre-defined network and cannot be removed`);
    if (network.members.size > 0)
      throw new DockerError(
        403,
        `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
      );
    this.networks.delete(network.id);
  }

  /** Gives a container an address in the network. @throws DockerError */
  join(network: Network, containerId: string, name: string, wanted: string | null): Endpoint {
    const id = this.id();
    const config = network.ipam[0];
    const range = config?.Subnet ? parseCidr(config.Subnet) : null;
    if (!range) {
      const bare: Endpoint = { id, ip: '', prefix: 0, gateway: '', mac: '' };
      network.members.set(containerId, { name, endpoint: bare });
      return bare;
    }
    const ip = this.freeIp(network, range, wanted);
    const gateway = config?.Gateway ?? ipText(range.first + 1);
    const hex = ip.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
    const endpoint: Endpoint = { id, ip, prefix: range.prefix, gateway, mac: `02:42:${hex.join(':')}` };
    network.members.set(containerId, { name, endpoint });
    return endpoint;
  }

  private freeIp(network: Network, range: Range, wanted: string | null): string {
    const taken = new Set([...network.members.values()].map(({ endpoint }) => endpoint.ip));
    taken.add(network.ipam[0]?.Gateway ?? ipText(range.first + 1));
    if (wanted !== null) {
      if (taken.has(wanted)) throw new DockerError(403, 'Address already in use');
      const value = ipNumber(wanted);
      if (value === null || value < range.first || value >= range.first + range.size)
        throw badRequest(
          `invalid config for network ${network.name}: no configured subnet contains IP address ${wanted}`,
        );
      return wanted;
    }
    const within = parseCidr(network.ipam[0]?.IPRange ?? '') ?? range;
    for (let value = within.first + 1; value < within.first + within.size - 1; value++)
      if (!taken.has(ipText(value)) && ipText(value) !== ipText(range.first)) return ipText(value);
    throw failure("no available IPv4 addresses on this network's address pools");
  }

  private checked(config: IpamConfig): IpamConfig {
    const range = parseCidr(config.Subnet ?? '');
    if (!range)
      throw badRequest(
        `invalid network config: invalid subnet ${config.Subnet}: invalid CIDR block notation`,
      );
    if (this.ranges().some((other) => overlap(other, range)))
      throw new DockerError(403, 'Pool overlaps with other one on this address space');
    return { ...config, Gateway: config.Gateway ?? ipText(range.first + 1) };
  }

  private freePool(): IpamConfig {
    const used = this.ranges();
    for (let i = 18; i < 32; i++) {
      const Subnet = `172.${i}.0.0/16`;
      if (!used.some((range) => overlap(range, parseCidr(Subnet)!)))
        return { Subnet, Gateway: `172.${i}.0.1` };
    }
    for (let i = 0; i < 256; i += 16) {
      const Subnet = `192.168.${i}.0/20`;
      if (!used.some((range) => overlap(range, parseCidr(Subnet)!)))
        return { Subnet, Gateway: `192.168.${i}.1` };
    }
    throw failure('all predefined address pools have been fully subnetted');
  }

  private ranges(): Range[] {
    return [...this.networks.values()].flatMap(({ ipam }) =>
      ipam.flatMap(({ Subnet }) => parseCidr(Subnet ?? '') ?? []),
    );
  }

  private add(name: string, parts: Partial<Network>): Network {
    const network: Network = {
      id: this.id(),
      name,
      created: this.now(),
      driver: 'bridge',
      internal: false,
      attachable: false,
      ipam: [],
      options: {},
      labels: {},
      ...parts,
      members: new Map(),
    };
    this.networks.set(network.id, network);
    return network;
  }
}

const bridgeOptions = {
  'com.docker.network.bridge.default_bridge': 'true',
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
  'com.docker.network.bridge.name': 'docker0',
  'com.docker.network.driver.mtu': '1500',
};

/** `GET /networks/{id}`; the list leaves members out. */
export function networkJson(network: Network, withMembers: boolean): object {
  const members = [...network.members].map(([id, { name, endpoint }]) => [
    id,
    {
      Name: name,
      EndpointID: endpoint.id,
      MacAddress: endpoint.mac,
      IPv4Address: endpoint.ip ? `${endpoint.ip}/${endpoint.prefix}` : '',
      IPv6Address: '',
    },
  ]);
  return {
    Name: network.name,
    Id: network.id,
    Created: rfc3339Nano(network.created),
    Scope: 'local',
    Driver: network.driver,
    EnableIPv6: false,
    IPAM: {
      Driver: 'default',
      Options: predefined.has(network.name) ? null : {},
      Config: network.ipam.length > 0 ? network.ipam : null,
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: withMembers ? Object.fromEntries(members) : {},
    Options: network.options,
    Labels: network.labels,
  };
}

export const sandboxKey = (containerId: string): string =>
  `/var/run/docker/netns/${sha256(containerId).slice(0, 12)}`;
