import { Container } from '../containers/container.js';
import { remount } from '../containers/mounts.js';
import { addOwnFiles } from '../containers/own-files.js';
import type { Engine } from '../engine.js';
import { FileTree } from '../files/file-tree.js';
import { layerFromTar } from '../files/layer-tar.js';
import type { Layer } from '../files/layer.js';
import { diffIdOf, knowDiffId, type Image } from '../images/image.js';
import { parseReference } from '../images/reference.js';
import {
  catalogueLayers,
  snapshotVersion,
  type KeptContainer,
  type KeptImage,
  type Snapshot,
} from './snapshot.js';

/** Killed with the machine, as an exit code. */
const killed = 137;

/** What was written as JSON; null for what another version wrote. */
export function parseSnapshot(text: string): Snapshot | null {
  const value = JSON.parse(text) as Snapshot;
  return value.version === snapshotVersion ? value : null;
}

/** Fills a new engine. Its containers are those of a machine that is off: `powerOn` brings back what should run. */
export function restore(engine: Engine, snapshot: Snapshot): void {
  const layerOf = layerSource(engine, snapshot);
  const image = (kept: KeptImage): Image => ({ ...kept, layers: kept.json.rootfs.diff_ids.map(layerOf) });
  for (const kept of snapshot.images) engine.images.images.set(kept.id, image(kept));
  for (const [name, id] of snapshot.tags) engine.images.tags.set(name, id);
  for (const [name, id] of snapshot.digests) engine.images.digests.set(name, id);
  for (const [name, kept] of snapshot.pushed) engine.registry.push(parseReference(name), image(kept));
  for (const network of snapshot.networks)
    engine.networks.networks.set(network.id, { ...network, members: new Map() });
  for (const { files, ...volume } of snapshot.volumes) {
    const made = engine.volumes.ensure(volume.name, volume);
    engine.volumes.volumes.set(volume.name, { ...made, ...volume });
    fill(made.tree.upper, files);
  }
  for (const [path, files] of snapshot.hostDirs) fill(engine.hostDir(path).upper, files);
  const orphans = new Map(snapshot.orphans.map((kept) => [kept.id, image(kept)]));
  for (const kept of snapshot.containers) {
    const from = engine.images.images.get(kept.imageId) ?? orphans.get(kept.imageId);
    if (from) addContainer(engine, kept, from);
  }
  engine.events.restore(snapshot.events);
}

function layerSource(engine: Engine, { layers, blobs = {} }: Snapshot): (diffId: string) => Layer {
  const known = new Map(catalogueLayers());
  return (diffId) => {
    let layer = known.get(diffId);
    if (!layer) {
      const tar = Buffer.from(layers[diffId] ?? '', 'base64');
      layer = engine.charge(layerFromTar(tar, null));
      const sketchBytes = blobs[diffId]?.sketchBytes ?? null;
      if (sketchBytes !== null) knowDiffId(layer, diffId);
      else if (diffIdOf(layer) !== diffId) layer = withOriginal(engine, tar);
      layer.sketchBytes = sketchBytes;
      layer.blob = blobs[diffId]?.place ?? null;
      known.set(diffId, layer);
    }
    return layer;
  };
}

/** Made anew: a layer's hash is remembered once it was asked for. */
function withOriginal(engine: Engine, tar: Buffer): Layer {
  const layer = engine.charge(layerFromTar(tar, null));
  layer.keepOriginal(tar);
  return layer;
}

function fill(layer: Layer, tar: string): void {
  for (const [path, node] of layerFromTar(Buffer.from(tar, 'base64'), null).nodes) layer.set(path, node);
}

function addContainer(engine: Engine, kept: KeptContainer, image: Image): void {
  const { id, name, created, config, hostConfig, state } = kept;
  const upper = layerFromTar(Buffer.from(kept.layer, 'base64'), engine.quota);
  const lower = [...image.layers].reverse();
  const tree = new FileTree(lower, upper, () => engine.now(), hostConfig.ReadonlyRootfs);
  const container = new Container(id, name, created, image, { config, hostConfig }, tree);
  const ran = ['running', 'paused', 'restarting'].includes(state.status);
  Object.assign(
    container.state,
    state,
    ran ? { status: 'exited', exitCode: killed, finishedAt: engine.now() } : {},
  );
  container.restartCount = kept.restartCount;
  container.stoppedByClient = kept.stoppedByClient;
  for (const [network, attachment] of kept.attachments) container.attachments.set(network, attachment);
  addOwnFiles(container);
  for (const mount of kept.mounts) remount(engine, container, mount);
  container.logs.restore(
    kept.logs.map(({ data, ...entry }) => ({ ...entry, data: Buffer.from(data, 'base64') })),
  );
  engine.containers.set(id, container);
}
