import { failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import type { Layer } from '../files/layer.js';
import { knownLayer, modelledBytes } from '../images/archive.js';
import { configText, type Image, type ImageJson } from '../images/image.js';
import type { Reference } from '../images/reference.js';
import { Teller, type Tell } from '../images/progress.js';
import { sha256 } from '../world.js';
import type { CloudRegistry } from './cloud-registry.js';
import { asPullError, type FoundImage } from './found-image.js';
import { readLayer } from './layer-download.js';
import { readConfig, type Descriptor } from './manifest.js';
import { textOf } from './registry-line.js';

type Remote = FoundImage & { readonly kind: 'remote' };

const mostConfigBytes = 256 * 1024;
/** Of all configurations of an engine that are kept as they came. */
const mostTextBytes = 16 * 1024 * 1024;

/** Fetches what is not here yet; every digest is checked. @throws DockerError */
export async function fetchImage(
  engine: Engine,
  reference: Reference,
  found: Remote,
  tell: Tell,
): Promise<Image> {
  const layers: Layer[] = [];
  try {
    const text = await fetchConfig(found);
    const json = readConfig(text);
    const { diff_ids: diffIds } = json.rootfs;
    if (diffIds.length !== found.manifest.layers.length)
      throw failure("layers from manifest don't match image configuration");
    for (const [i, blob] of found.manifest.layers.entries()) {
      const layer = await fetchLayer(engine, found, blob, { diffId: diffIds[i]!, reference, tell });
      layers.push(layer);
      engine.arriving.add(layer);
    }
    await saySketches(layers, tell);
    return engine.images.add(imageFrom(engine, found, { text, json, layers }));
  } catch (error) {
    throw asPullError(error, reference);
  } finally {
    for (const layer of layers) engine.arriving.delete(layer);
    engine.releaseLayers();
  }
}

async function fetchConfig({ session, path, manifest }: Remote): Promise<Buffer> {
  const { digest } = manifest.config;
  const answer = await session.ask({ method: 'GET', path: `/v2/${path}/blobs/${digest}` }, [200]);
  const text = await textOf(answer, mostConfigBytes);
  if (`sha256:${sha256(text)}` !== digest)
    throw failure(`image config verification failed for digest ${digest}`);
  return text;
}

interface LayerTask {
  readonly diffId: string;
  readonly reference: Reference;
  readonly tell: Tell;
}

async function fetchLayer(engine: Engine, found: Remote, blob: Descriptor, task: LayerTask): Promise<Layer> {
  const { diffId, reference, tell } = task;
  const id = blob.digest.slice(7, 19);
  const repository = `${reference.domain}/${found.path}`;
  const here = knownLayer(engine, diffId);
  if (here) {
    await tell({ status: 'Already exists', progressDetail: {}, id });
    return here;
  }
  await tell({ status: 'Pulling fs layer', progressDetail: {}, id });
  const cloud: CloudRegistry = engine.cloud!;
  const layer = await cloud.inTurn(async () => {
    const teller = new Teller(tell, { id, what: 'Downloading', total: blob.size });
    const path = `/v2/${found.path}/blobs/${blob.digest}`;
    const answer = await found.session.ask({ method: 'GET', path }, [200]);
    try {
      return await readLayer(engine, answer, { ...blob, diffId, repository }, (bytes) => teller.at(bytes));
    } finally {
      answer.destroy();
    }
  });
  await tell({ status: 'Verifying Checksum', progressDetail: {}, id });
  await tell({ status: 'Download complete', progressDetail: {}, id });
  const { size } = blob;
  new Teller(tell, { id, what: 'Extracting', total: size }).at(size);
  await tell({ status: 'Pull complete', progressDetail: {}, id });
  return layer;
}

async function saySketches(layers: readonly Layer[], tell: Tell): Promise<void> {
  const count = layers.filter(({ sketchBytes }) => sketchBytes !== null).length;
  if (count === 0) return;
  const what = count === 1 ? 'a large layer' : `${count} large layers`;
  await tell({ status: `Simulated: of ${what} names and small files are kept, the rest by its digest` });
}

function imageFrom(
  engine: Engine,
  { manifest }: Remote,
  { text, json, layers }: { text: Buffer; json: ImageJson; layers: readonly Layer[] },
): Image {
  const own = text.toString();
  const kept = [...engine.images.images.values()].reduce((sum, image) => sum + (image.text?.length ?? 0), 0);
  if (kept + own.length > mostTextBytes) throw failure('no space left on device');
  return {
    id: manifest.config.digest,
    json,
    ...(own === configText(json) ? {} : { text: own }),
    layers,
    parent: '',
    comment: '',
    modelledBytes: modelledBytes(json.rootfs.diff_ids),
    taggedAt: null,
  };
}
