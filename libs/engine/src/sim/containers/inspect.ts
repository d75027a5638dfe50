import type { Engine } from '../engine.js';
import { graphDriver } from '../images/image-json.js';
import { sizeOf } from '../images/image.js';
import { predefined, sandboxKey } from '../networks/network.js';
import { rfc3339Nano, sha256, zeroTime } from '../world.js';
import type { Attachment, Container } from './container.js';

const time = (ms: number | null): string => (ms === null ? zeroTime : rfc3339Nano(ms));

/** `GET /containers/{id}/json` */
export function containerInspect(container: Container, withSize: boolean): object {
  const { id, config, hostConfig, image, argv } = container;
  const files = `/var/lib/docker/containers/${id}`;
  return {
    Id: id,
    Created: rfc3339Nano(container.created),
    Path: argv[0] ?? '',
    Args: argv.slice(1),
    State: stateJson(container),
    Image: image.id,
    ResolvConfPath: `${files}/resolv.conf`,
    HostnamePath: `${files}/hostname`,
    HostsPath: `${files}/hosts`,
    LogPath: `${files}/${id}-json.log`,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: container.execs.size > 0 ? [...container.execs] : null,
    HostConfig: hostConfig,
    GraphDriver: graphDriver(sha256(id)),
    ...(withSize ? { SizeRw: container.layer.bytes, SizeRootFs: sizeOf(image) + container.layer.bytes } : {}),
    Mounts: container.mounts,
    Config: config,
    NetworkSettings: networkSettings(container),
  };
}

function stateJson({ state, run }: Container): object {
  return {
    Status: state.status,
    Running: state.status === 'running' || state.status === 'paused' || state.status === 'restarting',
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: false,
    // The model has no host processes; the number only says that there is one.
    Pid: run ? 1000 + ((state.startedAt ?? 0) % 30_000) : 0,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: time(state.startedAt),
    FinishedAt: time(state.finishedAt),
  };
}

function networkSettings(container: Container): object {
  const running = container.run !== null;
  const bridge = container.attachments.get('bridge')?.endpoint;
  const networks = [...container.attachments].map(([name, attachment]) => [
    name,
    endpointJson(container, name, attachment),
  ]);
  const ports = Object.entries(container.ports).map(([port, bindings]) => [
    port,
    bindings.length > 0 ? bindings : null,
  ]);
  return {
    Bridge: '',
    SandboxID: running ? sha256(container.id) : '',
    SandboxKey: running ? sandboxKey(container.id) : '',
    Ports: Object.fromEntries(ports),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.id ?? '',
    Gateway: bridge?.gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: bridge?.ip ?? '',
    IPPrefixLen: bridge?.prefix ?? 0,
    IPv6Gateway: '',
    MacAddress: bridge?.mac ?? '',
    Networks: Object.fromEntries(networks),
  };
}

export function endpointJson(
  container: Container,
  name: string,
  { networkId, aliases, wantedIp, endpoint }: Attachment,
): object {
  const names = [container.name, container.shortId, ...aliases];
  return {
    IPAMConfig: wantedIp === null ? null : { IPv4Address: wantedIp },
    Links: null,
    Aliases: aliases.length > 0 ? aliases : null,
    MacAddress: endpoint?.mac ?? '',
    NetworkID: networkId,
    EndpointID: endpoint?.id ?? '',
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.ip ?? '',
    IPPrefixLen: endpoint?.prefix ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DriverOpts: null,
    DNSNames: predefined.has(name) ? null : [...new Set(names)],
  };
}

/** `2 hours`, as docker says it. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`;
  return `${Math.floor(hours / 24 / 30)} months`;
}

export function statusText({ state }: Container, now: number): string {
  const since = (ms: number | null) => humanDuration(now - (ms ?? now));
  switch (state.status) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${since(state.startedAt)}`;
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'exited':
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

/** The image as `docker ps` names it: its id when the name is another image's by now. */
export function shownImage(engine: Engine, { config, image }: Container): string {
  const now = engine.images.lookUp(config.Image);
  return now?.id === image.id ? config.Image : image.id;
}
