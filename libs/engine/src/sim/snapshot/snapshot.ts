import type { Container } from '../containers/container.js';
import type { Config, HostConfig } from '../containers/config.js';
import type { Attachment, MountPoint, State } from '../containers/container.js';
import type { Engine } from '../engine.js';
import { keptTar } from '../files/layer-tar.js';
import type { BlobPlace, Layer } from '../files/layer.js';
import { catalogue } from '../images/catalogue.js';
import { diffIdOf, type Image, type ImageJson } from '../images/image.js';
import type { IpamConfig } from '../networks/network.js';
import type { EngineEvent } from '../system/event-log.js';

export const snapshotVersion = 1;

export interface KeptImage {
  readonly id: string;
  readonly json: ImageJson;
  readonly text?: string;
  readonly parent: string;
  readonly comment: string;
  readonly modelledBytes: number;
  readonly taggedAt: number | null;
}

export interface KeptContainer {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly imageId: string;
  readonly config: Config;
  readonly hostConfig: HostConfig;
  readonly state: State;
  readonly restartCount: number;
  readonly stoppedByClient: boolean;
  readonly attachments: readonly (readonly [string, Attachment])[];
  readonly mounts: readonly MountPoint[];
  /** A tar, base64. */
  readonly layer: string;
  readonly logs: readonly { readonly at: number; readonly stream: 1 | 2; readonly data: string }[];
}

export interface KeptBlob {
  readonly place: BlobPlace;
  readonly sketchBytes: number | null;
}

interface KeptNetwork {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipam: readonly IpamConfig[];
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** An engine's state as plain JSON; file contents as archives. */
export interface Snapshot {
  readonly version: typeof snapshotVersion;
  readonly id: string;
  readonly idsDrawn: number;
  /** Layers that are not the catalogue's, by their diff id. */
  readonly layers: Readonly<Record<string, string>>;
  /** Where registries have layers, by their diff id; what is kept of those too large is in `layers`. */
  readonly blobs?: Readonly<Record<string, KeptBlob>>;
  readonly images: readonly KeptImage[];
  readonly tags: readonly (readonly [string, string])[];
  readonly digests: readonly (readonly [string, string])[];
  /** What was pushed, and images that only containers still use. */
  readonly pushed: readonly (readonly [string, KeptImage])[];
  readonly orphans: readonly KeptImage[];
  readonly containers: readonly KeptContainer[];
  readonly networks: readonly KeptNetwork[];
  readonly volumes: readonly {
    readonly name: string;
    readonly created: number;
    readonly labels: Readonly<Record<string, string>> | null;
    readonly options: Readonly<Record<string, string>> | null;
    readonly anonymous: boolean;
    readonly files: string;
  }[];
  readonly hostDirs: readonly (readonly [string, string])[];
  readonly events: readonly EngineEvent[];
}

const tarText = (layer: Layer): string => (layer.original ?? keptTar(layer)).toString('base64');

const keptImage = ({ id, json, text, parent, comment, modelledBytes, taggedAt }: Image): KeptImage => ({
  id,
  json,
  ...(text === undefined ? {} : { text }),
  parent,
  comment,
  modelledBytes,
  taggedAt,
});

/** The layers every simulator has anyway, by diff id. */
export function catalogueLayers(): ReadonlyMap<string, Layer> {
  const images = new Set(catalogue().values());
  return new Map(
    [...images].flatMap((image) => image.layers.map((layer): [string, Layer] => [diffIdOf(layer), layer])),
  );
}

export function snapshotOf(engine: Engine, idsDrawn: number): Snapshot {
  const images = [...engine.images.images.values()];
  const pushed = engine.registry.all();
  const orphans = [...engine.containers.values()]
    .map(({ image }) => image)
    .filter(({ id }) => !engine.images.images.has(id));
  const known = catalogueLayers();
  const layers: Record<string, string> = {};
  const blobs: Record<string, KeptBlob> = {};
  for (const image of [...images, ...pushed.map(([, one]) => one), ...orphans])
    image.json.rootfs.diff_ids.forEach((id, i) => {
      const layer = image.layers[i]!;
      if (known.has(id)) return;
      layers[id] ??= tarText(layer);
      if (layer.blob) blobs[id] ??= { place: layer.blob, sketchBytes: layer.sketchBytes };
    });
  return {
    version: snapshotVersion,
    id: engine.id,
    idsDrawn,
    layers,
    blobs,
    images: images.map(keptImage),
    tags: [...engine.images.tags],
    digests: [...engine.images.digests],
    pushed: pushed.map(([name, image]) => [name, keptImage(image)]),
    orphans: orphans.map(keptImage),
    containers: [...engine.containers.values()].map(keptContainer),
    networks: [...engine.networks.networks.values()].map(({ members: _members, ...rest }) => rest),
    volumes: [...engine.volumes.volumes.values()].map(({ tree, ...rest }) => ({
      ...rest,
      files: tarText(tree.upper),
    })),
    hostDirs: [...engine.hostDirs].map(([path, { upper }]) => [path, tarText(upper)]),
    events: engine.events.all(),
  };
}

function keptContainer(container: Container): KeptContainer {
  const { id, name, created, image, config, hostConfig, state, restartCount, stoppedByClient } = container;
  return {
    ...{ id, name, created, imageId: image.id, config, hostConfig, state, restartCount, stoppedByClient },
    attachments: [...container.attachments].map(([network, rest]) => [network, { ...rest, endpoint: null }]),
    mounts: container.mounts,
    layer: tarText(container.layer),
    logs: container.logs.all().map(({ at, stream, data }) => ({ at, stream, data: data.toString('base64') })),
  };
}
