import { failure } from '../docker-error.js';
import { limits } from '../limits.js';
import { FileTree } from './file-tree.js';
import { Layer, type Quota } from './layer.js';
import { FsError, join, nameOf, normalPath, parentOf, type FileNode } from './node.js';
import { readTar, type TarEntry } from './tar-read.js';
import { tarOf } from './tar-write.js';

const whiteout = '.wh.';
const meta = { uid: 0, gid: 0, mtime: 0 };

/**
 * A layer as OCI image layers are written: `.wh.` files say what was taken away.
 * @throws DockerError when its files are not all kept
 */
export function layerTar(layer: Layer): Buffer {
  if (layer.sketchBytes !== null)
    throw failure(
      `the simulator keeps large layers by their digest: ${layer.blob?.digest ?? 'this one'} is in the registry only`,
    );
  return layer.original ?? keptTar(layer);
}

/** What is kept of it. */
export function keptTar(layer: Layer): Buffer {
  const entries = layer.sorted().map(([path, node]): [string, FileNode] => {
    if (node) return [path === '/' ? './' : path.slice(1), node];
    const gone = join(parentOf(path), whiteout + nameOf(path)).slice(1);
    return [gone, { kind: 'file', data: Buffer.alloc(0), mode: 0, ...meta }];
  });
  return tarOf(entries);
}

export function layerFromTar(data: Buffer, quota: Quota | null): Layer {
  const layer = new Layer(quota);
  for (const entry of readTar(data)) addEntry(layer, entry);
  return layer;
}

export function addEntry(layer: Layer, { path, node, hardLink }: TarEntry): void {
  const at = normalPath(path);
  if (nameOf(at).startsWith('.wh..wh.')) return;
  if (nameOf(at).startsWith(whiteout)) layer.set(join(parentOf(at), nameOf(at).slice(whiteout.length)), null);
  else if (hardLink !== null) {
    const linked = layer.nodes.get(normalPath(hardLink));
    if (linked) layer.set(at, linked);
  } else if (at !== '/') layer.set(at, node);
  withParents(layer, at);
}

function withParents(layer: Layer, path: string): void {
  for (let dir = parentOf(path); dir !== '/' && !layer.nodes.has(dir); dir = parentOf(dir))
    layer.set(dir, { kind: 'dir', mode: 0o755, ...meta });
}

/** Unpacks an archive into a directory of a tree; names that climb out of it stay in it. */
export function extractInto(tree: FileTree, dir: string, data: Buffer): number {
  let bytes = 0;
  for (const { path, node, hardLink } of readTar(data)) {
    const at = normalPath(join(dir, normalPath(path).slice(1)));
    if (node.kind === 'file') bytes += node.data.length;
    if (bytes > limits.archiveBytes) throw new FsError('ENOSPC', at);
    if (at === normalPath(dir)) continue;
    if (!tree.lstat(parentOf(at))) tree.mkdir(parentOf(at), { parents: true });
    if (hardLink === null) tree.place(at, node);
    else {
      const linked = tree.stat(normalPath(join(dir, normalPath(hardLink).slice(1))));
      if (linked) tree.place(at, linked);
    }
  }
  return bytes;
}

/** What `docker cp` brings: the path's last name is the archive's root. */
export function archiveOf(tree: FileTree, path: string, rootName: string): Buffer {
  const at = tree.resolve(path, false);
  const entries: [string, FileNode][] = [];
  for (const [below, node] of tree.walk(at, { mounts: true })) {
    const rest = below === at ? '' : below.slice(at === '/' ? 1 : at.length + 1);
    entries.push([rest === '' ? rootName : `${rootName.replace(/\/$/, '')}/${rest}`, node]);
  }
  return tarOf(entries);
}
