import type { Engine } from '../engine.js';
import { failure } from '../docker-error.js';
import type { FoundImage, Caller } from '../registry/found-image.js';
import { fetchImage } from '../registry/pull.js';
import { pushToCloud } from '../registry/push.js';
import { manifestDigest, sizeOf, type Image } from './image.js';
import { progressLine, type Tell } from './progress.js';
import { tagged, type Reference } from './reference.js';

const steps = 4;
const stepMs = 40;

const shortIds = (image: Image): string[] => image.json.rootfs.diff_ids.map((id) => id.slice(7, 19));

async function tellLayer(engine: Engine, tell: Tell, id: string, what: string, total: number): Promise<void> {
  for (let step = 1; step <= steps; step++) {
    await engine.world.clock.sleep(stepMs);
    const current = Math.round((total * step) / steps);
    await tell(progressLine(id, what, current, total));
  }
}

async function fetchLayers(engine: Engine, tell: Tell, image: Image): Promise<void> {
  const here = new Set([...engine.images.images.values()].flatMap(shortIds));
  const bytes = Math.max(1024, Math.round(sizeOf(image) / image.layers.length));
  for (const id of shortIds(image)) {
    if (here.has(id)) {
      await tell({ status: 'Already exists', progressDetail: {}, id });
      continue;
    }
    await tell({ status: 'Pulling fs layer', progressDetail: {}, id });
    await tellLayer(engine, tell, id, 'Downloading', bytes);
    await tell({ status: 'Verifying Checksum', progressDetail: {}, id });
    await tell({ status: 'Download complete', progressDetail: {}, id });
    await tellLayer(engine, tell, id, 'Extracting', bytes);
    await tell({ status: 'Pull complete', progressDetail: {}, id });
  }
}

async function copyImage(engine: Engine, tell: Tell, image: Image): Promise<Image> {
  await fetchLayers(engine, tell, image);
  return engine.images.add({ ...image, parent: '', taggedAt: null });
}

/** `docker pull`; told as dockerd tells it. */
export async function pullImage(
  engine: Engine,
  reference: Reference,
  tell: Tell,
  found: FoundImage,
): Promise<Image> {
  const name = tagged(reference);
  const digest = found.kind === 'remote' ? found.digest : manifestDigest(found.image).digest;
  await tell({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? 'latest' });
  const image =
    found.kind === 'remote'
      ? await fetchImage(engine, reference, found, tell)
      : await copyImage(engine, tell, found.image);
  const upToDate = engine.images.tags.get(name) === image.id;
  if (reference.digest === null) engine.images.tag(image, name, engine.now());
  engine.images.digests.set(`${reference.name}@${digest}`, image.id);
  await tell({ status: `Digest: ${digest}` });
  const shown = reference.digest === null ? name : `${reference.name}@${digest}`;
  const how = upToDate ? 'Image is up to date' : 'Downloaded newer image';
  await tell({ status: `Status: ${how} for ${shown}` });
  engine.events.add('image', 'pull', shown, { name: reference.name });
  engine.onChange();
  return image;
}

/** `docker push`: to the cloud's registry at its own hosts, to the modelled one at all others. */
export async function pushImage(
  engine: Engine,
  reference: Reference,
  tell: Tell,
  caller: Caller,
): Promise<void> {
  await tell({ status: `The push refers to repository [${reference.domain}/${reference.path}]` });
  const names = [...engine.images.tags.keys()].filter(
    (name) => name.slice(0, name.lastIndexOf(':')) === reference.name,
  );
  const wanted = reference.tag === null ? names : names.filter((name) => name === tagged(reference));
  if (wanted.length === 0)
    throw failure(
      reference.tag === null
        ? `An image does not exist locally with the tag: ${reference.name}`
        : `tag does not exist: ${tagged(reference)}`,
    );
  const isOwn = engine.cloud?.serves(reference.domain) ?? false;
  for (const name of wanted) {
    const image = engine.images.find(name);
    const tag = name.slice(name.lastIndexOf(':') + 1);
    for (const id of shortIds(image)) await tell({ status: 'Preparing', progressDetail: {}, id });
    const target = { ...reference, tag };
    const { digest, size } = isOwn
      ? await pushToCloud(engine, image, { reference: target, tell, caller })
      : await pushToModel(engine, image, target, tell);
    engine.images.digests.set(`${reference.name}@${digest}`, image.id);
    await tell({ status: `${tag}: digest: ${digest} size: ${size}` });
    await tell({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
    engine.events.add('image', 'push', name, { name: reference.name });
  }
  engine.onChange();
}

async function pushToModel(engine: Engine, image: Image, reference: Reference, tell: Tell) {
  const bytes = Math.max(1024, Math.round(sizeOf(image) / image.layers.length));
  for (const id of shortIds(image)) {
    await tellLayer(engine, tell, id, 'Pushing', bytes);
    await tell({ status: 'Pushed', progressDetail: {}, id });
  }
  engine.registry.push(reference, image);
  return manifestDigest(image);
}
