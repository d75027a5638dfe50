import { layerTar } from '../files/layer-tar.js';
import type { Layer } from '../files/layer.js';
import { rfc3339Nano, sha256 } from '../world.js';

/** The part of an image's configuration that containers start from; names are the API's. */
export interface ContainerConfig {
  readonly User: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly Volumes: Readonly<Record<string, object>> | null;
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly OnBuild: readonly string[] | null;
  readonly StopSignal?: string;
  readonly Shell?: readonly string[];
  readonly Healthcheck?: object;
}

export interface HistoryLine {
  readonly created: string;
  readonly created_by: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** An image's configuration as OCI writes it; its hash is the image's id. */
export interface ImageJson {
  readonly architecture: string;
  readonly os: string;
  readonly created: string;
  readonly author?: string;
  readonly config: ContainerConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  readonly history: readonly HistoryLine[];
}

export interface Image {
  /** `sha256:…` */
  readonly id: string;
  readonly json: ImageJson;
  /** The configuration as its maker wrote it, where that is not how we would. */
  readonly text?: string;
  /** From the bottom up, as many as `diff_ids`. */
  readonly layers: readonly Layer[];
  /** The image it was built or committed from here; empty for others. */
  readonly parent: string;
  readonly comment: string;
  /** What the real image would be larger than its modelled files. */
  readonly modelledBytes: number;
  /** When it was tagged last, milliseconds; null if never. */
  readonly taggedAt: number | null;
}

export const emptyConfig: ContainerConfig = {
  User: '',
  Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  Cmd: null,
  Entrypoint: null,
  Volumes: null,
  WorkingDir: '',
  Labels: null,
  OnBuild: null,
};

const diffIds = new WeakMap<Layer, string>();

/** The hash of the layer's archive. A layer is not changed once it was asked for this. */
export function diffIdOf(layer: Layer): string {
  let id = diffIds.get(layer);
  if (id === undefined) {
    id = `sha256:${sha256(layerTar(layer))}`;
    diffIds.set(layer, id);
  }
  return id;
}

/** Remembers what the hash was found to be. */
export const knowDiffId = (layer: Layer, id: string): void => void diffIds.set(layer, id);

export const configText = (json: ImageJson): string => JSON.stringify(json);

/** The text whose hash is the image's id. */
export const ownConfigText = ({ text, json }: Pick<Image, 'text' | 'json'>): string =>
  text ?? configText(json);

export interface ImageParts {
  readonly config: ContainerConfig;
  readonly layers: readonly Layer[];
  readonly history: readonly HistoryLine[];
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly author?: string;
  readonly parent?: string;
  readonly comment?: string;
  readonly modelledBytes?: number;
}

export function makeImage(parts: ImageParts): Image {
  const json: ImageJson = {
    architecture: 'amd64',
    os: 'linux',
    created: rfc3339Nano(parts.created),
    ...(parts.author ? { author: parts.author } : {}),
    config: parts.config,
    rootfs: { type: 'layers', diff_ids: parts.layers.map(diffIdOf) },
    history: parts.history,
  };
  return imageOf(json, parts.layers, parts);
}

export function imageOf(json: ImageJson, layers: readonly Layer[], parts: Partial<ImageParts> = {}): Image {
  const { parent = '', comment = '', modelledBytes = 0 } = parts;
  return {
    id: `sha256:${sha256(configText(json))}`,
    json,
    layers,
    parent,
    comment,
    modelledBytes,
    taggedAt: null,
  };
}

/** Bytes of all its layers, the modelled ones included. */
export const sizeOf = (image: Image): number =>
  image.layers.reduce((sum, layer) => sum + layer.bytes, image.modelledBytes);

/** The digest of the manifest a registry would hold. */
export function manifestDigest(image: Image): { digest: string; size: number } {
  const config = ownConfigText(image);
  const layers = image.json.rootfs.diff_ids.map((digest, i) => ({
    mediaType: 'application/vnd.docker.image.rootfs.diff.tar',
    size: image.layers[i]!.bytes,
    digest,
  }));
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: Buffer.byteLength(config),
      digest: image.id,
    },
    layers,
  });
  return { digest: `sha256:${sha256(text)}`, size: text.length };
}
