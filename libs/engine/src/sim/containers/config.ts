import { defaultHostConfig } from './default-host-config.js';
import { badRequest } from '../docker-error.js';

type Json = Readonly<Record<string, unknown>>;

/** `Config` of a container, as `docker inspect` shows it. */
export interface Config {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  ExposedPorts?: Record<string, object>;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  Env: string[];
  Cmd: string[] | null;
  Image: string;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  OnBuild: string[] | null;
  Labels: Record<string, string>;
  StopSignal?: string;
  StopTimeout?: number;
}

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

export interface HostConfig {
  Binds: string[] | null;
  ContainerIDFile: string;
  LogConfig: { Type: string; Config: Record<string, string> };
  NetworkMode: string;
  PortBindings: Record<string, PortBinding[]>;
  RestartPolicy: { Name: string; MaximumRetryCount: number };
  AutoRemove: boolean;
  VolumesFrom: string[] | null;
  Mounts?: MountAsk[];
  Memory: number;
  NanoCpus: number;
  CpuShares: number;
  CpuPeriod: number;
  CpuQuota: number;
  MemorySwap: number;
  MemoryReservation: number;
  PidsLimit: number | null;
  ReadonlyRootfs: boolean;
  PublishAllPorts: boolean;
  Init?: boolean;
  Tmpfs?: Record<string, string>;
  ExtraHosts: string[] | null;
  [other: string]: unknown;
}

export interface MountAsk {
  readonly Type: string;
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly?: boolean;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (field: string, type: string): never => {
  throw badRequest(
    `invalid JSON: json: cannot unmarshal value into Go struct field ${field} of type ${type}`,
  );
};

export function text(from: Json, field: string): string {
  const value = from[field];
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : wrong(field, 'string');
}

export function flag(from: Json, field: string): boolean {
  const value = from[field];
  if (value === undefined || value === null) return false;
  return typeof value === 'boolean' ? value : wrong(field, 'bool');
}

/** A list of strings, or one string (as entrypoints may be given); null when there is none. */
export function texts(from: Json, field: string): string[] | null {
  const value = from[field];
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return wrong(field, '[]string');
  return value.map((item) => (typeof item === 'string' ? item : wrong(field, 'string')));
}

export function textMap(from: Json, field: string): Record<string, string> | null {
  const value = from[field];
  if (value === undefined || value === null) return null;
  if (!isRecord(value)) return wrong(field, 'map[string]string');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' ? item : item === null ? '' : wrong(field, 'string'),
    ]),
  );
}

export function keys(from: Json, field: string): Record<string, object> | null {
  const value = from[field];
  if (value === undefined || value === null) return null;
  if (!isRecord(value)) return wrong(field, 'map[string]struct {}');
  return Object.fromEntries(Object.keys(value).map((key) => [key, {}]));
}

export const part = (from: Json, field: string): Json => {
  const value = from[field];
  if (value === undefined || value === null) return {};
  return isRecord(value) ? value : wrong(field, 'object');
};

export function parseConfig(body: Json): Config {
  const stopTimeout = body['StopTimeout'];
  const exposed = keys(body, 'ExposedPorts');
  const stopSignal = text(body, 'StopSignal');
  return {
    Hostname: text(body, 'Hostname'),
    Domainname: text(body, 'Domainname'),
    User: text(body, 'User'),
    AttachStdin: flag(body, 'AttachStdin'),
    AttachStdout: flag(body, 'AttachStdout'),
    AttachStderr: flag(body, 'AttachStderr'),
    ...(exposed ? { ExposedPorts: exposed } : {}),
    Tty: flag(body, 'Tty'),
    OpenStdin: flag(body, 'OpenStdin'),
    StdinOnce: flag(body, 'StdinOnce'),
    Env: texts(body, 'Env') ?? [],
    Cmd: texts(body, 'Cmd'),
    Image: text(body, 'Image'),
    Volumes: keys(body, 'Volumes'),
    WorkingDir: text(body, 'WorkingDir'),
    Entrypoint: texts(body, 'Entrypoint'),
    OnBuild: texts(body, 'OnBuild'),
    Labels: textMap(body, 'Labels') ?? {},
    ...(stopSignal ? { StopSignal: stopSignal } : {}),
    ...(typeof stopTimeout === 'number' ? { StopTimeout: stopTimeout } : {}),
  };
}

/** Known fields of the right kind; others are left as dockerd has them by default. */
export function parseHostConfig(body: Json): HostConfig {
  const config: HostConfig = structuredClone(defaultHostConfig);
  for (const [key, before] of Object.entries(config)) {
    const value = body[key];
    if (value === undefined || value === null) continue;
    if (before !== null && (typeof before !== typeof value || Array.isArray(before) !== Array.isArray(value)))
      wrong(`HostConfig.${key}`, typeof before);
    if (key !== 'PortBindings' && key !== 'RestartPolicy' && key !== 'LogConfig') config[key] = value;
  }
  if (config.NetworkMode === '' || config.NetworkMode === 'default') config.NetworkMode = 'bridge';
  for (const key of ['Binds', 'VolumesFrom', 'ExtraHosts'] as const) config[key] = texts(body, key);
  const policy = part(body, 'RestartPolicy');
  const retries = policy['MaximumRetryCount'];
  config.RestartPolicy = {
    Name: text(policy, 'Name') || 'no',
    MaximumRetryCount: typeof retries === 'number' ? retries : 0,
  };
  for (const [port, bindings] of Object.entries(part(body, 'PortBindings'))) {
    const list = Array.isArray(bindings) ? bindings.filter(isRecord) : [];
    config.PortBindings[port] = list.map((binding) => ({
      HostIp: text(binding, 'HostIp'),
      HostPort: text(binding, 'HostPort'),
    }));
  }
  if (typeof body['Init'] === 'boolean') config.Init = body['Init'];
  const tmpfs = textMap(body, 'Tmpfs');
  if (tmpfs) config.Tmpfs = tmpfs;
  const mounts = body['Mounts'];
  if (Array.isArray(mounts) && mounts.length > 0) config.Mounts = mounts.filter(isRecord).map(parseMount);
  return config;
}

const parseMount = (mount: Json): MountAsk => ({
  Type: text(mount, 'Type') || 'volume',
  Source: text(mount, 'Source'),
  Target: text(mount, 'Target'),
  ReadOnly: flag(mount, 'ReadOnly'),
});

export { isRecord, type Json };
