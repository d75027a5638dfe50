import { extractInto } from '../files/layer-tar.js';
import { FileTree } from '../files/file-tree.js';
import { Layer } from '../files/layer.js';
import { join, nameOf, normalPath, type FileNode } from '../files/node.js';
import { unpacked } from '../files/tar-read.js';
import { globPaths } from '../shell/glob.js';
import { sha256 } from '../world.js';

/** The tree of a build context. @throws DockerError */
export async function contextTree(body: Buffer, now: () => number): Promise<FileTree> {
  const tree = new FileTree([], new Layer(), now);
  extractInto(tree, '/', await unpacked(body));
  return tree;
}

export interface Source {
  readonly path: string;
  readonly isDir: boolean;
}

export class MissingSource extends Error {
  override readonly name = 'MissingSource';
}

/** What the sources of COPY name in that tree; names that climb out stay in it. */
export function sourcesIn(tree: FileTree, patterns: readonly string[]): Source[] {
  return patterns.flatMap((pattern) => {
    const inside = normalPath(pattern).slice(1);
    const paths =
      inside === ''
        ? ['/']
        : /[*?[]/.test(inside)
          ? globPaths(tree, inside, '/').map((path) => normalPath(path))
          : [`/${inside}`];
    const found = paths.filter((path) => tree.stat(path));
    if (found.length === 0) throw new MissingSource(inside);
    return found.map((path) => ({ path, isDir: tree.isDir(path) }));
  });
}

/** One hash over names, modes and contents: what the layer cache goes by. Times do not count. */
export function hashOf(tree: FileTree, sources: readonly Source[]): string {
  const lines: string[] = [];
  for (const { path } of sources)
    for (const [at, node] of tree.walk(tree.resolve(path, true)))
      lines.push(
        `${at}|${node.kind}|${node.mode}|${node.kind === 'file' ? sha256(node.data) : node.kind === 'link' ? node.target : ''}`,
      );
  return sha256(lines.join('\n'));
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Copies as COPY does: a directory's content, files under their names when the target is a directory. */
export function copySources(
  from: FileTree,
  sources: readonly Source[],
  to: FileTree,
  target: string,
  owner: Owner,
): void {
  const intoDir = target.endsWith('/') || sources.length > 1 || to.isDir(target);
  for (const { path, isDir } of sources) {
    const real = from.resolve(path, true);
    const base = normalPath(isDir || !intoDir ? target : join(normalPath(target), nameOf(normalPath(path))));
    if (isDir) to.mkdir(base, { parents: true });
    for (const [at, node] of from.walk(real)) {
      const rest = at.slice(real === '/' ? 0 : real.length);
      if (rest === '' && isDir) continue;
      placeWithParents(to, normalPath(base + rest), { ...node, ...owner });
    }
  }
}

function placeWithParents(to: FileTree, path: string, node: FileNode): void {
  const parent = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  if (!to.stat(parent)) to.mkdir(parent, { parents: true });
  to.place(path, node);
}
