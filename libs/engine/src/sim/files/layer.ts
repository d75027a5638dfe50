import { limits } from '../limits.js';
import { FsError, nameOf, parentOf, type FileNode } from './node.js';

/** What all layers of one engine may hold together. */
export class Quota {
  private bytes = 0;
  private entries = 0;

  charge(bytes: number, entries: number, path: string): void {
    if (this.bytes + bytes > limits.fileBytes || this.entries + entries > limits.fileEntries)
      throw new FsError('ENOSPC', path);
    this.bytes += bytes;
    this.entries += entries;
  }

  release(bytes: number, entries: number): void {
    this.bytes -= bytes;
    this.entries -= entries;
  }
}

/** A layer's compressed archive in a registry. */
export interface BlobPlace {
  readonly digest: string;
  /** Bytes, as it travels. */
  readonly size: number;
  /** Where it was seen last: HOST/PATH. */
  readonly repository: string;
}

/** One layer as overlayfs has them: what was added or changed, and null (a whiteout) for what was taken away. */
export class Layer {
  readonly nodes = new Map<string, FileNode | null>();
  private readonly children = new Map<string, Set<string>>();
  private size = 0;
  private archive: Buffer | null = null;
  /** Where a registry has it. */
  blob: BlobPlace | null = null;
  /** Bytes of its files when they are too many to keep: then it has names, small files, and the blob's place. */
  sketchBytes: number | null = null;

  constructor(private readonly quota: Quota | null = null) {}

  /** Sum of the files' lengths. */
  get bytes(): number {
    return this.sketchBytes ?? this.size;
  }

  /** The archive it came in, when another maker's bytes (and so its hash) are not what we would write. */
  get original(): Buffer | null {
    return this.archive;
  }

  keepOriginal(archive: Buffer): void {
    this.quota?.charge(archive.length, 0, '/');
    this.archive = archive;
  }

  set(path: string, node: FileNode | null): void {
    const before = this.nodes.get(path);
    const known = before !== undefined;
    const delta = lengthOf(node) - lengthOf(before);
    this.quota?.charge(delta, known ? 0 : 1, path);
    this.size += delta;
    this.nodes.set(path, node);
    if (known || path === '/') return;
    const dir = parentOf(path);
    const names = this.children.get(dir);
    if (names) names.add(nameOf(path));
    else this.children.set(dir, new Set([nameOf(path)]));
  }

  /** Forgets the path: what lies below shows again. */
  forget(path: string): void {
    const node = this.nodes.get(path);
    if (node === undefined) return;
    this.size -= lengthOf(node);
    this.quota?.release(lengthOf(node), 1);
    this.nodes.delete(path);
    this.children.get(parentOf(path))?.delete(nameOf(path));
  }

  namesIn(dir: string): Iterable<string> {
    return this.children.get(dir) ?? [];
  }

  /** Gives back what it held of the quota; the layer is not used after. */
  dispose(): void {
    this.quota?.release(this.size + (this.archive?.length ?? 0), this.nodes.size);
  }

  /** The same entries, in the order of their paths, charged to that quota. */
  copy(quota: Quota | null): Layer {
    const copy = new Layer(quota);
    for (const [path, node] of this.sorted()) copy.set(path, node);
    copy.blob = this.blob;
    copy.sketchBytes = this.sketchBytes;
    return copy;
  }

  sorted(): [string, FileNode | null][] {
    return [...this.nodes].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

const lengthOf = (node: FileNode | null | undefined): number =>
  node?.kind === 'file' ? node.data.length : node?.kind === 'link' ? node.target.length : 0;
