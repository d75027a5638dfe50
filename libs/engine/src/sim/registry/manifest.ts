import { isRecord } from '../containers/config.js';
import { failure } from '../docker-error.js';
import { bareConfig } from '../images/archive.js';
import type { ContainerConfig, HistoryLine, ImageJson } from '../images/image.js';
import { sha256 } from '../world.js';

export const schema2 = 'application/vnd.docker.distribution.manifest.v2+json';
export const configType = 'application/vnd.docker.container.image.v1+json';
export const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
export const plainLayerType = 'application/vnd.docker.image.rootfs.diff.tar';
const lists = [
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.index.v1+json',
];
const single = [schema2, 'application/vnd.oci.image.manifest.v1+json'];
export const acceptedTypes = [...single, ...lists].join(', ');

/** Layers dockerd can stack. */
const mostLayers = 125;
/** What a blob may have. */
const mostBlobBytes = 8 * 1024 * 1024 * 1024;

export interface Descriptor {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

export interface Manifest {
  readonly digest: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A manifest, or the digest of the one in a list that is for this machine. @throws DockerError */
export function readManifest(body: Buffer): Manifest | { readonly other: string } {
  const value = jsonOf(body);
  const type = value['mediaType'] ?? (Array.isArray(value['manifests']) ? lists[1] : single[1]);
  if (lists.includes(String(type))) return { other: ours(value['manifests']) };
  if (value['schemaVersion'] !== 2 || !single.includes(String(type)))
    throw failure(`mediaType in manifest should be '${schema2}' not '${String(type).slice(0, 200)}'`);
  const layers = value['layers'];
  if (!Array.isArray(layers) || layers.length > mostLayers) throw failure('max depth exceeded');
  const found = layers.map(descriptor);
  return { digest: `sha256:${sha256(body)}`, config: descriptor(value['config']), layers: found };
}

function ours(entries: unknown): string {
  const fits = (entry: unknown): entry is Record<string, unknown> => {
    const platform = isRecord(entry) ? entry['platform'] : null;
    return isRecord(platform) && platform['os'] === 'linux' && platform['architecture'] === 'amd64';
  };
  const found = Array.isArray(entries) ? entries.find(fits) : undefined;
  if (!found) throw failure('no matching manifest for linux/amd64 in the manifest list entries');
  return descriptor(found).digest;
}

function descriptor(value: unknown): Descriptor {
  const { digest, size } = isRecord(value) ? value : {};
  if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw failure('invalid digest format');
  if (!Number.isSafeInteger(size) || Number(size) < 0 || Number(size) > mostBlobBytes)
    throw failure('no space left on device: a layer has more than 8 GiB');
  return { digest, size: Number(size) };
}

function jsonOf(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    throw failure(`invalid JSON: ${(error as Error).message}`);
  }
  if (!isRecord(value)) throw failure('invalid JSON: an object is needed');
  return value;
}

/** A stranger's configuration as the engine can use it: what has another shape than it should is left out. */
export function readConfig(body: Buffer): ImageJson {
  const { architecture, os, created, author, config, rootfs, history } = jsonOf(body);
  const diffIds = isRecord(rootfs) && Array.isArray(rootfs['diff_ids']) ? rootfs['diff_ids'] : [];
  if (!diffIds.every((id) => /^sha256:[0-9a-f]{64}$/.test(String(id))))
    throw failure('invalid digest format');
  const lines = (Array.isArray(history) ? history : []).filter(isRecord);
  if (os !== undefined && os !== 'linux')
    throw failure(`image operating system "${String(os).slice(0, 50)}" cannot be used on this platform`);
  return {
    architecture: text(architecture) || 'amd64',
    os: 'linux',
    created: time(created),
    ...(text(author) && { author: text(author) }),
    config: { ...bareConfig, ...(isRecord(config) ? containerConfig(config) : {}) },
    rootfs: { type: 'layers', diff_ids: diffIds.map(String) },
    history: lines.map(historyLine),
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const time = (value: unknown): string =>
  Number.isFinite(Date.parse(text(value))) ? text(value) : '0001-01-01T00:00:00Z';
const list = (value: unknown): string[] | null =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null;

const historyLine = (line: Record<string, unknown>): HistoryLine => ({
  created: time(line['created']),
  created_by: text(line['created_by']),
  ...(text(line['comment']) && { comment: text(line['comment']) }),
  ...(line['empty_layer'] === true && { empty_layer: true }),
});

function containerConfig(given: Record<string, unknown>): ContainerConfig {
  const { ExposedPorts, Volumes, Labels, StopSignal, Shell, Healthcheck } = given;
  const objects = (value: Record<string, unknown>) =>
    Object.fromEntries(Object.keys(value).map((key): [string, object] => [key, {}]));
  const labels = isRecord(Labels)
    ? Object.entries(Labels).filter(([, value]) => typeof value === 'string')
    : null;
  const shell = list(Shell);
  return {
    User: text(given['User']),
    Env: list(given['Env']) ?? [],
    Cmd: list(given['Cmd']),
    Entrypoint: list(given['Entrypoint']),
    Volumes: isRecord(Volumes) ? objects(Volumes) : null,
    WorkingDir: text(given['WorkingDir']),
    Labels: labels && (Object.fromEntries(labels) as Record<string, string>),
    OnBuild: list(given['OnBuild']),
    ...(isRecord(ExposedPorts) && { ExposedPorts: objects(ExposedPorts) }),
    ...(text(StopSignal) && { StopSignal: text(StopSignal) }),
    ...(shell && { Shell: shell }),
    ...(isRecord(Healthcheck) && { Healthcheck }),
  };
}
