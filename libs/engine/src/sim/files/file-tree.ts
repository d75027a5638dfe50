import { limits } from '../limits.js';
import { appended } from './growing.js';
import { Layer } from './layer.js';
import { FsError, join, nameOf, normalPath, parentOf, type FileMeta, type FileNode } from './node.js';

const root: FileNode = { kind: 'dir', mode: 0o755, uid: 0, gid: 0, mtime: 0 };
const mostHops = 40;

export interface Mount {
  readonly tree: FileTree;
  readonly readOnly: boolean;
}

/**
 * A modelled root file system: read-only layers, a writable one on top, other trees mounted into it, and files that
 * are made up when they are read (`/proc`, `/etc/hosts`). Paths are absolute. Throws FsError as a kernel would.
 */
export class FileTree {
  readonly mounts = new Map<string, Mount>();
  readonly virtual = new Map<string, () => string>();

  constructor(
    readonly lower: readonly Layer[],
    readonly upper: Layer,
    private readonly now: () => number,
    public readOnly = false,
  ) {}

  /** The node itself, links in its parents followed. */
  lstat(path: string): FileNode | undefined {
    return this.node(this.resolve(path, false));
  }

  stat(path: string): FileNode | undefined {
    return this.node(this.resolve(path, true));
  }

  isDir(path: string): boolean {
    return this.stat(path)?.kind === 'dir';
  }

  read(path: string): Buffer {
    const node = this.stat(path);
    if (!node) throw new FsError('ENOENT', path);
    if (node.kind !== 'file') throw new FsError('EISDIR', path);
    return node.data;
  }

  /** Names in a directory, sorted. */
  list(path: string): string[] {
    const dir = this.resolve(path, true);
    const node = this.node(dir);
    if (!node) throw new FsError('ENOENT', path);
    if (node.kind !== 'dir') throw new FsError('ENOTDIR', path);
    const mounted = this.mountOf(dir);
    const names = new Set<string>();
    if (mounted) for (const name of mounted.tree.list(mounted.path)) names.add(name);
    else {
      for (const layer of [this.upper, ...this.lower]) for (const name of layer.namesIn(dir)) names.add(name);
      for (const name of [...names]) if (!this.node(join(dir, name))) names.delete(name);
    }
    for (const extra of [...this.mounts.keys(), ...this.virtual.keys()])
      if (extra !== '/' && parentOf(extra) === dir) names.add(nameOf(extra));
    return [...names].sort();
  }

  write(path: string, data: Buffer, meta: Partial<FileMeta> = {}): void {
    const at = this.resolve(path, true);
    const before = this.node(at);
    if (before?.kind === 'dir') throw new FsError('EISDIR', path);
    if (data.length > limits.oneFileBytes) throw new FsError('ENOSPC', path);
    this.put(at, {
      kind: 'file',
      data,
      mode: meta.mode ?? before?.mode ?? 0o644,
      uid: meta.uid ?? before?.uid ?? 0,
      gid: meta.gid ?? before?.gid ?? 0,
      mtime: meta.mtime ?? this.now(),
    });
  }

  append(path: string, data: Buffer): void {
    const before = this.stat(path);
    this.write(path, before?.kind === 'file' ? appended(before.data, data) : data);
  }

  mkdir(path: string, meta: Partial<FileMeta> & { parents?: boolean } = {}): void {
    const at = this.resolve(path, true);
    const before = this.node(at);
    if (before) {
      if (meta.parents && before.kind === 'dir') return;
      throw new FsError('EEXIST', path);
    }
    if (meta.parents && !this.node(parentOf(at))) this.mkdir(parentOf(at), meta);
    const { mode = 0o755, uid = 0, gid = 0, mtime = this.now() } = meta;
    this.put(at, { kind: 'dir', mode, uid, gid, mtime });
  }

  /** Puts a node in place of what is there; a directory over a directory keeps what is in it. */
  place(path: string, node: FileNode): void {
    const at = this.resolve(path, false);
    const before = this.node(at);
    if (before?.kind === 'dir' && node.kind !== 'dir') this.remove(at);
    this.put(at, node);
  }

  symlink(target: string, path: string): void {
    if (this.lstat(path)) throw new FsError('EEXIST', path);
    const meta = { mode: 0o777, uid: 0, gid: 0, mtime: this.now() };
    this.put(this.resolve(path, false), { kind: 'link', target, ...meta });
  }

  /** Changes owner, mode or time in place. */
  touch(path: string, meta: Partial<FileMeta>): void {
    const at = this.resolve(path, true);
    const node = this.node(at);
    if (!node) throw new FsError('ENOENT', path);
    this.put(at, { ...node, ...meta });
  }

  /** Removes a file, or a directory with all that is in it. */
  remove(path: string): void {
    const at = this.resolve(path, false);
    const node = this.node(at);
    if (!node) throw new FsError('ENOENT', path);
    if (at === '/' || this.mounts.has(at) || this.virtual.has(at)) throw new FsError('EROFS', path);
    const mounted = this.mountOf(at);
    if (mounted) {
      this.mayWrite(at);
      return mounted.tree.remove(mounted.path);
    }
    this.mayWrite(at);
    if (node.kind === 'dir') for (const name of this.list(at)) this.remove(join(at, name));
    if (this.lower.some((layer) => layer.nodes.get(at))) this.upper.set(at, null);
    else this.upper.forget(at);
  }

  /** Every node under that path, itself first, parents before children; other mounts too when asked. */
  *walk(path = '/', options: { mounts?: boolean } = {}): Generator<[string, FileNode]> {
    const at = this.resolve(path, false);
    const node = this.node(at);
    if (!node) return;
    yield [at, node];
    if (node.kind !== 'dir' || (this.mounts.has(at) && !options.mounts)) return;
    for (const name of this.list(at)) yield* this.walk(join(at, name), options);
  }

  /** The absolute path without links; the last part's link is followed only when asked. */
  resolve(path: string, follow: boolean): string {
    const pending = path.split('/').reverse();
    let at = '/';
    let hops = 0;
    while (pending.length > 0) {
      const part = pending.pop()!;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = parentOf(at);
        continue;
      }
      const next = join(at, part);
      const last = !pending.some((rest) => rest !== '' && rest !== '.');
      const node = this.node(next);
      if (node?.kind === 'link' && (follow || !last)) {
        if (++hops > mostHops) throw new FsError('ELOOP', path);
        pending.push(...node.target.split('/').reverse());
        if (node.target.startsWith('/')) at = '/';
        continue;
      }
      if (!last && node && node.kind !== 'dir') throw new FsError('ENOTDIR', path);
      at = next;
    }
    return normalPath(at);
  }

  private node(path: string): FileNode | undefined {
    const made = this.virtual.get(path);
    if (made) {
      const data = Buffer.from(made());
      return { kind: 'file', data, mode: 0o644, uid: 0, gid: 0, mtime: this.now() };
    }
    const mounted = this.mountOf(path);
    if (mounted) return mounted.tree.node(mounted.path);
    const own = this.upper.nodes.get(path);
    if (own !== undefined) return own ?? undefined;
    for (const layer of this.lower) {
      const node = layer.nodes.get(path);
      if (node !== undefined) return node ?? undefined;
    }
    return path === '/' ? root : undefined;
  }

  private put(at: string, node: FileNode): void {
    if (this.virtual.has(at)) return;
    const parent = this.node(parentOf(at));
    if (!parent) throw new FsError('ENOENT', at);
    if (parent.kind !== 'dir') throw new FsError('ENOTDIR', at);
    this.mayWrite(at);
    const mounted = this.mountOf(at);
    if (mounted) return mounted.tree.put(mounted.path, node);
    this.upper.set(at, node);
  }

  private mayWrite(at: string): void {
    const mounted = this.mountOf(at);
    if (mounted ? mounted.readOnly : this.readOnly) throw new FsError('EROFS', at);
  }

  /** The innermost mount that holds the path, and the path in it. */
  private mountOf(path: string): (Mount & { path: string }) | null {
    if (this.mounts.size === 0) return null;
    for (let at = path; ; at = parentOf(at)) {
      const mount = this.mounts.get(at);
      if (mount) return { ...mount, path: at === '/' ? path : path.slice(at.length) || '/' };
      if (at === '/') return null;
    }
  }
}

export interface FileChange {
  readonly Path: string;
  /** 0 modified, 1 added, 2 deleted. */
  readonly Kind: 0 | 1 | 2;
}

/** What the writable layer changes of those below; directories on the way show as modified, as dockerd has it. */
export function changesOf(tree: FileTree): FileChange[] {
  const below = new FileTree(tree.lower, new Layer(), () => 0);
  const kinds = new Map<string, 0 | 1 | 2>();
  for (const [path, node] of tree.upper.sorted()) {
    if (path === '/') continue;
    kinds.set(path, node === null ? 2 : below.lstat(path) ? 0 : 1);
    for (let dir = parentOf(path); dir !== '/' && !kinds.has(dir); dir = parentOf(dir)) kinds.set(dir, 0);
  }
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([Path, Kind]) => ({ Path, Kind }));
}
