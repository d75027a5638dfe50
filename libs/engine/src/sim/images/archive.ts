import { badRequest, failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { layerFromTar, layerTar } from '../files/layer-tar.js';
import { Layer } from '../files/layer.js';
import { normalPath, type FileNode } from '../files/node.js';
import { readTar, unpacked } from '../files/tar-read.js';
import { fileNode, tarOf } from '../files/tar-write.js';
import { isRecord } from '../containers/config.js';
import { sha256 } from '../world.js';
import { catalogue } from './catalogue.js';
import { emptyConfig, imageOf, ownConfigText, type Image, type ImageJson } from './image.js';
import { parseReference, tagged } from './reference.js';

const blob = (digest: string): string => `blobs/sha256/${digest.replace(/^sha256:/, '')}`;

/** `docker save`: configurations and layers by their hashes, and `manifest.json` that says what belongs together. */
export function saveImages(engine: Engine, names: readonly string[]): Buffer {
  const entries = new Map<string, FileNode>();
  const manifest = new Map<string, { Config: string; RepoTags: string[]; Layers: string[] }>();
  for (const name of names) {
    const image = engine.images.find(name);
    const byId = image.id.includes(name.replace(/^sha256:/, '')) && !engine.images.tags.has(name);
    entries.set(blob(image.id), fileNode(ownConfigText(image)));
    image.layers.forEach((layer, i) =>
      entries.set(blob(image.json.rootfs.diff_ids[i]!), fileNode(layerTar(layer))),
    );
    const line = manifest.get(image.id) ?? {
      Config: blob(image.id),
      RepoTags: [],
      Layers: image.json.rootfs.diff_ids.map(blob),
    };
    if (!byId) line.RepoTags.push(tagged(parseReference(name)));
    manifest.set(image.id, line);
  }
  entries.set('manifest.json', fileNode(JSON.stringify([...manifest.values()])));
  return tarOf([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `docker load`. @returns what was loaded, as dockerd says it. @throws DockerError */
export async function loadImages(engine: Engine, body: Buffer): Promise<string[]> {
  const files = new Map<string, Buffer>();
  for (const { path, node } of readTar(await unpacked(body)))
    if (node.kind === 'file') files.set(normalPath(path).slice(1), node.data);
  const said: string[] = [];
  for (const entry of manifestOf(files)) {
    const image = await imageFrom(engine, files, entry);
    engine.images.add(image);
    for (const name of entry.RepoTags) {
      engine.images.tag(image, tagged(parseReference(name)), engine.now());
      said.push(`Loaded image: ${tagged(parseReference(name))}\n`);
    }
    if (entry.RepoTags.length === 0) said.push(`Loaded image ID: ${image.id}\n`);
    engine.events.add('image', 'load', image.id, { name: image.id });
  }
  engine.onChange();
  return said;
}

/** Images of other makers leave out what is empty. */
export const bareConfig = { ...emptyConfig, Env: [] as string[] };

interface ManifestEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

function manifestOf(files: ReadonlyMap<string, Buffer>): ManifestEntry[] {
  const manifest = files.get('manifest.json');
  if (!manifest) throw failure('open manifest.json: no such file or directory');
  const value = parsed(manifest);
  if (!Array.isArray(value)) throw badRequest('invalid manifest, layers length mismatch: expected a list');
  return value.filter(isRecord).map((entry) => ({
    Config: String(entry['Config']),
    RepoTags: Array.isArray(entry['RepoTags']) ? entry['RepoTags'].map(String) : [],
    Layers: Array.isArray(entry['Layers']) ? entry['Layers'].map(String) : [],
  }));
}

async function imageFrom(
  engine: Engine,
  files: ReadonlyMap<string, Buffer>,
  entry: ManifestEntry,
): Promise<Image> {
  const text = files.get(normalPath(entry.Config).slice(1));
  if (!text) throw failure(`open ${entry.Config}: no such file or directory`);
  const id = `sha256:${sha256(text)}`;
  const known = engine.images.images.get(id) ?? [...catalogue().values()].find((image) => image.id === id);
  if (known) return known;
  const json = parsed(text) as ImageJson;
  const diffIds = json.rootfs?.diff_ids ?? [];
  if (diffIds.length !== entry.Layers.length)
    throw failure(
      `invalid manifest, layers length mismatch: expected ${entry.Layers.length}, got ${diffIds.length}`,
    );
  const layers: Layer[] = [];
  for (const [i, path] of entry.Layers.entries())
    layers.push(await layerOf(engine, files, path, diffIds[i]!));
  const config = { ...bareConfig, ...json.config };
  const image = imageOf({ ...json, config, history: json.history ?? [] }, layers, {
    modelledBytes: modelledBytes(diffIds),
  });
  // The id stays the hash of the text that was loaded, whatever its order of fields.
  return image.id === id ? image : { ...image, id, text: text.toString() };
}

async function layerOf(
  engine: Engine,
  files: ReadonlyMap<string, Buffer>,
  path: string,
  diffId: string,
): Promise<Layer> {
  const shared = knownLayer(engine, diffId);
  if (shared) return shared;
  const data = files.get(normalPath(path).slice(1));
  if (!data) throw failure(`open ${path}: no such file or directory`);
  const tar = await unpacked(data);
  if (`sha256:${sha256(tar)}` !== diffId)
    throw failure(`invalid diffID for layer: expected "${diffId}", got "sha256:${sha256(tar)}"`);
  const layer = engine.charge(layerFromTar(tar, null));
  if (`sha256:${sha256(layerTar(layer))}` !== diffId) layer.keepOriginal(Buffer.from(tar));
  return layer;
}

export function knownLayer(engine: Engine, diffId: string): Layer | null {
  for (const image of [...engine.images.images.values(), ...catalogue().values()]) {
    const at = image.json.rootfs.diff_ids.indexOf(diffId);
    if (at >= 0) return image.layers[at]!;
  }
  return null;
}

/** What the model leaves out of the catalogue's layers among these. */
export function modelledBytes(diffIds: readonly string[]): number {
  let most = 0;
  for (const image of catalogue().values()) {
    const base = image.json.rootfs.diff_ids.every((id, i) => diffIds[i] === id);
    if (base) most = Math.max(most, image.modelledBytes);
  }
  return most;
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString()) as unknown;
  } catch (error) {
    throw badRequest(`invalid JSON: ${(error as Error).message}`);
  }
}
