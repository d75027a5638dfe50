import { badRequest, conflict, failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { FileTree } from '../files/file-tree.js';
import { Layer } from '../files/layer.js';
import type { Image } from '../images/image.js';
import { limits } from '../limits.js';
import { signalNumber } from '../shell/signals.js';
import {
  isRecord,
  parseConfig,
  parseHostConfig,
  part,
  text,
  texts,
  type Config,
  type HostConfig,
  type Json,
} from './config.js';
import { Container } from './container.js';
import { containerEvent } from './container-events.js';
import { addMounts } from './mounts.js';
import { addOwnFiles } from './own-files.js';

const nameShape = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const leastMemory = 6 * 1024 * 1024;

/** `POST /containers/create`. @throws DockerError worded as dockerd's */
export function createContainer(engine: Engine, askedName: string, body: Json): Container {
  const config = parseConfig(body);
  const hostConfig = parseHostConfig(part(body, 'HostConfig'));
  if (askedName !== '' && !nameShape.test(askedName))
    throw badRequest(`Invalid container name (${askedName}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  checkHostConfig(engine, hostConfig);
  if (config.Image === '') throw badRequest('no command specified');
  const image = engine.images.find(config.Image);
  const merged = withImage(config, image);
  if ([...(merged.Entrypoint ?? []), ...(merged.Cmd ?? [])].length === 0)
    throw badRequest('no command specified');
  if (merged.StopSignal !== undefined && signalNumber(merged.StopSignal) === null)
    throw badRequest(`Invalid signal: ${merged.StopSignal}`);
  if (engine.containers.size >= limits.containers)
    throw failure('no space left on device: the simulator keeps no more containers');
  return addContainer(engine, askedName, merged, hostConfig, image, body);
}

function addContainer(
  engine: Engine,
  askedName: string,
  config: Config,
  hostConfig: HostConfig,
  image: Image,
  body: Json,
): Container {
  const id = engine.world.id();
  const name = askedName.replace(/^\//, '') || freeName(engine, id);
  refuseTaken(engine, name);
  if (config.Hostname === '')
    config.Hostname = hostConfig.NetworkMode === 'host' ? engine.world.hostname : id.slice(0, 12);
  const tree = new FileTree(
    [...image.layers].reverse(),
    new Layer(engine.quota),
    () => engine.now(),
    hostConfig.ReadonlyRootfs,
  );
  const container = new Container(id, name, engine.now(), image, { config, hostConfig }, tree);
  addAttachments(engine, container, part(part(body, 'NetworkingConfig'), 'EndpointsConfig'));
  addMounts(engine, container);
  addOwnFiles(container);
  engine.containers.set(id, container);
  containerEvent(engine, container, 'create');
  return container;
}

export function refuseTaken(engine: Engine, name: string): void {
  const other = [...engine.containers.values()].find((container) => container.name === name);
  if (other)
    throw conflict(
      `Conflict. The container name "/${name}" is already in use by container "${other.id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
}

const adjectives = [
  'brave',
  'calm',
  'eager',
  'gentle',
  'happy',
  'keen',
  'lucid',
  'modest',
  'nimble',
  'quiet',
  'sharp',
  'vivid',
];
const people = [
  'babbage',
  'curie',
  'dijkstra',
  'franklin',
  'hopper',
  'knuth',
  'lamport',
  'lovelace',
  'noether',
  'ritchie',
  'torvalds',
  'turing',
];

function freeName(engine: Engine, id: string): string {
  const draw = (from: readonly string[], at: number) =>
    from[Number.parseInt(id.slice(at, at + 6), 16) % from.length]!;
  const name = `${draw(adjectives, 0)}_${draw(people, 6)}`;
  const taken = [...engine.containers.values()].some((container) => container.name === name);
  return taken ? `${name}_${id.slice(0, 4)}` : name;
}

/** The image's configuration where the client gave none. An entrypoint of the client's leaves no command of the image. */
function withImage(config: Config, image: Image): Config {
  const from = image.json.config;
  const ownEntrypoint = config.Entrypoint !== null;
  const names = new Set(config.Env.map((line) => line.split('=')[0]));
  const exposed = { ...from.ExposedPorts, ...config.ExposedPorts };
  return {
    ...config,
    User: config.User || from.User,
    // A bare name takes its value from nowhere: dockerd drops it.
    Env: [
      ...config.Env.filter((line) => line.includes('=')),
      ...from.Env.filter((line) => !names.has(line.split('=')[0])),
    ],
    Cmd: config.Cmd?.length ? config.Cmd : ownEntrypoint ? null : from.Cmd ? [...from.Cmd] : null,
    Entrypoint: ownEntrypoint
      ? config.Entrypoint!.filter((word) => word !== '')
      : from.Entrypoint
        ? [...from.Entrypoint]
        : null,
    Volumes: from.Volumes || config.Volumes ? { ...from.Volumes, ...config.Volumes } : null,
    WorkingDir: config.WorkingDir || from.WorkingDir,
    Labels: { ...from.Labels, ...config.Labels },
    OnBuild: from.OnBuild ? [...from.OnBuild] : null,
    ...(Object.keys(exposed).length > 0 ? { ExposedPorts: exposed } : {}),
    ...(config.StopSignal || from.StopSignal ? { StopSignal: config.StopSignal ?? from.StopSignal } : {}),
  };
}

export function checkHostConfig(
  engine: Engine,
  { Memory, NanoCpus, RestartPolicy, MemorySwap, AutoRemove }: HostConfig,
): void {
  if (Memory !== 0 && Memory < leastMemory) throw badRequest('Minimum memory limit allowed is 6MB');
  if (MemorySwap > 0 && MemorySwap < Memory)
    throw badRequest('Minimum memoryswap limit should be larger than memory limit, see usage');
  const { vcpus } = engine.world.size();
  if (NanoCpus < 0 || NanoCpus > vcpus * 1e9)
    throw badRequest(
      `Range of CPUs is from 0.01 to ${vcpus.toFixed(2)}, as there are only ${vcpus} CPUs available`,
    );
  if (!['no', 'always', 'on-failure', 'unless-stopped'].includes(RestartPolicy.Name))
    throw badRequest(
      `invalid restart policy: unknown policy '${RestartPolicy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  if (AutoRemove && RestartPolicy.Name !== 'no')
    throw badRequest("can't create 'AutoRemove' container with restart policy");
}

function addAttachments(engine: Engine, container: Container, endpoints: Json): void {
  const mode = container.hostConfig.NetworkMode;
  if (mode.startsWith('container:')) return;
  const asked = Object.entries(endpoints).filter(([name]) => name !== 'default');
  const names = new Set([mode, ...asked.map(([name]) => name)]);
  for (const name of names) {
    const network = engine.networks.lookUp(name);
    // A network that is not there is only missed at the start.
    const settings = asked.find(([key]) => key === name)?.[1];
    const endpoint = isRecord(settings) ? settings : {};
    container.attachments.set(network?.name ?? name, {
      networkId: network?.id ?? '',
      aliases: texts(endpoint, 'Aliases') ?? [],
      wantedIp: text(part(endpoint, 'IPAMConfig'), 'IPv4Address') || null,
      endpoint: null,
    });
  }
}
