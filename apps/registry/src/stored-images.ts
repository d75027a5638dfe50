import type { Dirent } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '@bellows/domain/repository';

export interface StoredTag {
  readonly name: string;
  readonly digest: string;
  /** Of the manifest and of all it names, once each. */
  readonly bytes: number;
  /** Milliseconds since the epoch: when the tag was last put there. */
  readonly pushedAt: number;
}

export interface StoredRepository {
  readonly name: string;
  readonly tags: readonly StoredTag[];
  /** Of every blob that is linked here, tagged or not, once each. */
  readonly bytes: number;
}

/** More than this is no manifest: the registry takes none that is larger. */
export const largestManifest = 4 * 1024 * 1024;

/**
 * What the registry has on disk, in the layout of Docker's registry 2 (docs/spec of distribution, "storage/paths"):
 * the one truth about it, which its HTTP interface tells only in part and slowly.
 */
export class StoredImages {
  readonly #root: string;

  /** @param folder that the registry keeps its data in. */
  constructor(folder: string) {
    this.#root = join(folder, 'docker/registry/v2');
  }

  /** @param namespace first part of the names, such as a project's id; sorted. */
  async repositories(namespace: string): Promise<string[]> {
    const found: string[] = [];
    const look = async (name: string): Promise<void> => {
      const inside = (await entries(this.#repository(name))).filter((entry) => entry.isDirectory());
      if (inside.some((entry) => entry.name === '_manifests' || entry.name === '_layers')) found.push(name);
      for (const entry of inside) if (!entry.name.startsWith('_')) await look(`${name}/${entry.name}`);
    };
    await look(namespace);
    return found.sort();
  }

  async namespaces(): Promise<string[]> {
    return (await entries(join(this.#root, 'repositories'))).map(({ name }) => name);
  }

  async has(name: string): Promise<boolean> {
    return (await entries(this.#repository(name))).some((entry) => entry.name.startsWith('_'));
  }

  async describe(name: string): Promise<StoredRepository> {
    const tags: StoredTag[] = [];
    const names = await entries(join(this.#repository(name), '_manifests/tags'));
    for (const entry of names.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const tag = await this.#tag(name, entry.name);
      if (tag) tags.push(tag);
    }
    return { name, tags, bytes: sumOf(await this.linked(name)) };
  }

  /** Digest → bytes of all that a repository links and that is there. */
  async linked(name: string): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const kind of ['_layers/sha256', '_manifests/revisions/sha256']) {
      for (const { name: hex } of await entries(join(this.#repository(name), kind))) {
        const digest = `sha256:${hex}`;
        if (await isFile(join(this.#repository(name), kind, hex, 'link'))) {
          const bytes = await this.blobBytes(digest);
          if (bytes !== null) found.set(digest, bytes);
        }
      }
    }
    return found;
  }

  /** Uploads under way: id → bytes so far. */
  async uploads(name: string): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const { name: id } of await entries(join(this.#repository(name), '_uploads'))) {
      found.set(id, await this.uploadBytes(name, id));
    }
    return found;
  }

  async uploadBytes(name: string, id: string): Promise<number> {
    return (await bytesOf(join(this.#repository(name), '_uploads', id, 'data'))) ?? 0;
  }

  /** Takes back what came after the client was last told how far it got. */
  async cutUpload(name: string, id: string, bytes: number): Promise<void> {
    await truncate(join(this.#repository(name), '_uploads', id, 'data'), bytes);
  }

  async forgetUpload(name: string, id: string): Promise<void> {
    await rm(join(this.#repository(name), '_uploads', id), { recursive: true, force: true });
  }

  /** Null: it is not there. */
  async blobBytes(digest: string): Promise<number | null> {
    return isDigest(digest) ? bytesOf(this.#blob(digest)) : null;
  }

  /** Takes one tag away; what it named stays until the next collection. False: there was none. */
  async removeTag(name: string, tag: string): Promise<boolean> {
    const folder = join(this.#repository(name), '_manifests/tags', tag);
    if ((await entries(folder)).length === 0) return false;
    await rm(folder, { recursive: true, force: true });
    return true;
  }

  /** Takes a repository away, but none whose name goes on after its own. False: there was none. */
  async removeRepository(name: string): Promise<boolean> {
    const folder = this.#repository(name);
    const own = (await entries(folder)).filter((entry) => entry.name.startsWith('_'));
    // What the registry looks at first goes first.
    for (const entry of own.sort((one) => (one.name === '_manifests' ? -1 : 1))) {
      await rm(join(folder, entry.name), { recursive: true, force: true });
    }
    for (let at = name; at.includes('/'); at = at.slice(0, at.lastIndexOf('/'))) {
      if (!(await rmdir(this.#repository(at)).then(always, never))) break;
    }
    return own.length > 0;
  }

  /** Takes away links to layers that no manifest of the repository names; the registry's own collection leaves them. */
  async unlinkUnused(name: string): Promise<void> {
    const used = new Set<string>();
    for (const { name: hex } of await entries(join(this.#repository(name), '_manifests/revisions/sha256'))) {
      for (const digest of namedBy(await this.#manifest(`sha256:${hex}`))) used.add(digest);
    }
    const layers = join(this.#repository(name), '_layers/sha256');
    for (const { name: hex } of await entries(layers)) {
      if (!used.has(`sha256:${hex}`)) await rm(join(layers, hex), { recursive: true, force: true });
    }
  }

  async #tag(repository: string, name: string): Promise<StoredTag | null> {
    const link = join(this.#repository(repository), '_manifests/tags', name, 'current/link');
    const digest = (await readFile(link, 'utf8').catch(() => '')).trim();
    const seen = new Map<string, number>();
    await this.#measure(digest, seen);
    if (!seen.has(digest)) return null;
    return { name, digest, bytes: sumOf(seen), pushedAt: Math.round((await stat(link)).mtimeMs) };
  }

  /** Of a manifest and what it names; lists of manifests name manifests, and no deeper. */
  async #measure(digest: string, seen: Map<string, number>, depth = 0): Promise<void> {
    const bytes = seen.has(digest) ? null : await this.blobBytes(digest);
    if (bytes === null) return;
    seen.set(digest, bytes);
    if (depth === 2) return;
    const manifest = bytes <= largestManifest && depth < 2 ? await this.#manifest(digest) : null;
    for (const inner of namedBy(manifest)) await this.#measure(inner, seen, depth + 1);
  }

  async #manifest(digest: string): Promise<unknown> {
    const bytes = await this.blobBytes(digest);
    if (bytes === null || bytes > largestManifest) return null;
    const text = await readFile(this.#blob(digest), 'utf8').catch(() => '');
    // Most of what is asked for here is a layer: no reason to parse it.
    if (!text.trimStart().startsWith('{')) return null;
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  #repository(name: string): string {
    return join(this.#root, 'repositories', name);
  }

  #blob(digest: string): string {
    const hex = digest.slice('sha256:'.length);
    return join(this.#root, 'blobs/sha256', hex.slice(0, 2), hex, 'data');
  }
}

const always = () => true;
const never = () => false;

export const sumOf = (sizes: ReadonlyMap<string, number>): number =>
  [...sizes.values()].reduce((total, bytes) => total + bytes, 0);

async function entries(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

async function bytesOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}

const isFile = async (path: string): Promise<boolean> => (await bytesOf(path)) !== null;

/** Digests a manifest names: its configuration and layers, or the manifests of a list. */
export function namedBy(manifest: unknown): string[] {
  const found: string[] = [];
  const add = (entry: unknown): void => {
    const digest = (entry as { digest?: unknown; blobSum?: unknown } | null)?.digest ?? null;
    const sum = (entry as { blobSum?: unknown } | null)?.blobSum ?? null;
    for (const text of [digest, sum]) if (typeof text === 'string' && isDigest(text)) found.push(text);
  };
  const { config, layers, manifests, fsLayers } = (manifest ?? {}) as Record<string, unknown>;
  add(config);
  for (const list of [layers, manifests, fsLayers]) if (Array.isArray(list)) list.forEach(add);
  return found;
}
