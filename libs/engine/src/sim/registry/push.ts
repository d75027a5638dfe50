import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { layerTar } from '../files/layer-tar.js';
import type { Layer } from '../files/layer.js';
import { ownConfigText, type Image } from '../images/image.js';
import { Teller, type Tell } from '../images/progress.js';
import type { Reference } from '../images/reference.js';
import { sha256 } from '../world.js';
import type { CloudRegistry } from './cloud-registry.js';
import { asPushError, type Caller } from './found-image.js';
import { configType, layerType, plainLayerType, schema2, type Descriptor } from './manifest.js';
import { LineError, textOf } from './registry-line.js';
import type { RegistrySession } from './registry-session.js';

export interface PushTask {
  readonly reference: Reference;
  readonly tell: Tell;
  readonly caller: Caller;
}

interface Target {
  readonly session: RegistrySession;
  readonly path: string;
  /** HOST/PATH */
  readonly repository: string;
}

const answerBytes = 256 * 1024;
/** The registry reads a blob once more before it says that it has it. */
const checkedWithinMs = 120_000;

/** Layers, configuration and manifest, as any client of any registry pushes. @throws DockerError */
export async function pushToCloud(engine: Engine, image: Image, task: PushTask): Promise<Descriptor> {
  const { reference, caller } = task;
  const { path, domain } = reference;
  const scopes = [`repository:${path}:pull,push`, ...sourcesOf(image, path)];
  const session = engine.cloud!.session(caller.credentials(domain), scopes, caller.gone);
  const target = { session, path, repository: `${domain}/${path}` };
  try {
    const layers: Descriptor[] = [];
    for (const [i, layer] of image.layers.entries()) {
      const id = image.json.rootfs.diff_ids[i]!.slice(7, 19);
      layers.push(await pushLayer(engine.cloud!, target, layer, { id, tell: task.tell }));
    }
    const config = Buffer.from(ownConfigText(image));
    const about = { digest: image.id, size: config.length };
    if (!(await hasBlob(target, about))) await upload(target, await startUpload(target), config, about);
    // What was pulled unpacked is in the registry unpacked.
    const plain = new Set(image.json.rootfs.diff_ids);
    const typed = layers.map(({ size, digest }) => ({
      mediaType: plain.has(digest) ? plainLayerType : layerType,
      size,
      digest,
    }));
    return await pushManifest(target, reference.tag ?? 'latest', about, typed);
  } catch (error) {
    throw asPushError(error);
  }
}

/** Repositories that layers may be mounted from. */
const sourcesOf = (image: Image, path: string): string[] =>
  [...new Set(image.layers.flatMap(({ blob }) => (blob ? [pathOf(blob.repository)] : [])))]
    .filter((source) => source !== path)
    .slice(0, 8)
    .map((source) => `repository:${source}:pull`);

const pathOf = (repository: string): string => repository.slice(repository.indexOf('/') + 1);

interface LayerVoice {
  readonly id: string;
  readonly tell: Tell;
}

async function pushLayer(
  cloud: CloudRegistry,
  target: Target,
  layer: Layer,
  { id, tell }: LayerVoice,
): Promise<Descriptor> {
  const known = layer.blob;
  const say = (status: string) => tell({ status, progressDetail: {}, id });
  if (known && (await hasBlob(target, known))) return said(known, say('Layer already exists'));
  const source = known ? pathOf(known.repository) : target.path;
  const start = known && source !== target.path ? await startUpload(target, { known, source }) : '';
  if (known && start === null) return said(known, say(`Mounted from ${source}`));
  if (layer.sketchBytes !== null)
    throw failure(
      `${known?.digest ?? 'a layer'} is kept by its digest alone in the simulator, and the registry does not let it be mounted from ${source}`,
    );
  // Nobody who reads slowly is waited for while it is this one's turn.
  const { about, isNew } = await cloud.inTurn(() => sendLayer(target, layer, start || null, { id, tell }));
  layer.blob = { ...about, repository: target.repository };
  return said(about, say(isNew ? 'Pushed' : 'Layer already exists'));
}

async function sendLayer(target: Target, layer: Layer, start: string | null, { id, tell }: LayerVoice) {
  const data = await promisify(gzip)(layerTar(layer));
  const about = { digest: `sha256:${sha256(data)}`, size: data.length };
  if (await hasBlob(target, about)) return { about, isNew: false };
  const teller = new Teller(tell, { id, what: 'Pushing', total: data.length });
  await upload(target, start ?? (await startUpload(target)), data, about, (bytes) => teller.at(bytes));
  return { about, isNew: true };
}

const said = async ({ digest, size }: Descriptor, telling: Promise<void>): Promise<Descriptor> => {
  await telling;
  return { digest, size };
};

async function hasBlob({ session, path }: Target, { digest }: Descriptor): Promise<boolean> {
  const answer = await session.ask({ method: 'HEAD', path: `/v2/${path}/blobs/${digest}` }, [200, 404]);
  answer.destroy();
  return answer.statusCode === 200;
}

/** @returns where the upload goes on; null when it is not needed: the blob was mounted. */
async function startUpload(
  { session, path }: Target,
  mount: { known: Descriptor; source: string } | null = null,
): Promise<string | null> {
  const from = mount
    ? `?${new URLSearchParams({ mount: mount.known.digest, from: mount.source }).toString()}`
    : '';
  const headers = { 'content-length': '0' };
  const answer = await session.ask(
    { method: 'POST', path: `/v2/${path}/blobs/uploads/${from}`, headers },
    [201, 202],
  );
  await textOf(answer, answerBytes);
  return answer.statusCode === 201 ? null : placeOf(answer.headers.location);
}

/** Path and query alone: the registry cannot send an upload to another host. */
function placeOf(location: string | undefined): string {
  const url = URL.parse(location ?? '', 'https://registry.invalid');
  if (!location || !url) throw new LineError('the registry does not say where to upload to');
  return `${url.pathname}${url.search}`;
}

async function upload(
  { session }: Target,
  place: string | null,
  body: Buffer,
  { digest }: Descriptor,
  onSent?: (bytes: number) => void,
): Promise<void> {
  if (place === null) return;
  const path = `${place}${place.includes('?') ? '&' : '?'}${new URLSearchParams({ digest }).toString()}`;
  const headers = { 'content-type': 'application/octet-stream' };
  const asked = { method: 'PUT', path, headers, body, answerWithinMs: checkedWithinMs };
  const answer = await session.ask({ ...asked, ...(onSent && { onSent }) }, [201]);
  await textOf(answer, answerBytes);
}

async function pushManifest(
  { session, path }: Target,
  tag: string,
  config: Descriptor,
  layers: readonly Descriptor[],
): Promise<Descriptor> {
  const body = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: schema2,
      config: { mediaType: configType, size: config.size, digest: config.digest },
      layers,
    }),
  );
  const headers = { 'content-type': schema2 };
  const asked = { method: 'PUT', path: `/v2/${path}/manifests/${tag}`, headers, body };
  await textOf(await session.ask(asked, [201]), answerBytes);
  return { digest: `sha256:${sha256(body)}`, size: body.length };
}
