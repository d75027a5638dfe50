import { badRequest, conflict, failure, notFound } from '../docker-error.js';
import { limits } from '../limits.js';
import type { Image } from './image.js';
import { parseReference, tagged } from './reference.js';

export interface RemovedLine {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

/** A container as far as images care. */
export interface ImageUser {
  readonly id: string;
  readonly imageId: string;
  readonly running: boolean;
}

/** The images of one engine, and their names. */
export class ImageStore {
  readonly images = new Map<string, Image>();
  /** `name:tag` → image id. */
  readonly tags = new Map<string, string>();
  /** `name@sha256:…` → image id. */
  readonly digests = new Map<string, string>();

  /** By `name[:tag]`, `name@digest`, id or the beginning of one. */
  lookUp(text: string): Image | null {
    const bare = text.replace(/^sha256:/, '');
    const exact = this.images.get(`sha256:${bare}`);
    if (exact) return exact;
    const named = this.byName(text);
    if (named) return named;
    if (!/^[0-9a-f]{1,64}$/.test(bare)) return null;
    const found = [...this.images.values()].filter(({ id }) => id.startsWith(`sha256:${bare}`));
    if (found.length > 1) throw failure(`ambiguous reference: ${text}`);
    return found[0] ?? null;
  }

  /** @throws DockerError 404 */
  find(text: string): Image {
    const image = this.lookUp(text);
    if (image) return image;
    const bare = /[:@]/.test(text.split('/').pop()!) || text.startsWith('sha256:');
    throw notFound(`No such image: ${bare ? text : `${text}:latest`}`);
  }

  add(image: Image): Image {
    const known = this.images.get(image.id);
    if (known) return known;
    if (this.images.size >= limits.images)
      throw failure('no space left on device: the simulator keeps no more images');
    this.images.set(image.id, image);
    return image;
  }

  tag(image: Image, name: string, now: number): void {
    const before = this.images.get(image.id) ?? image;
    this.images.set(image.id, { ...before, taggedAt: now });
    this.tags.set(name, image.id);
  }

  namesOf(id: string): string[] {
    return [...this.tags].filter(([, of]) => of === id).map(([name]) => name);
  }

  digestsOf(id: string): string[] {
    return [...this.digests].filter(([, of]) => of === id).map(([name]) => name);
  }

  childrenOf(id: string): Image[] {
    return [...this.images.values()].filter(({ parent }) => parent === id);
  }

  /** Neither a name nor a child: what `prune` takes. */
  isDangling(image: Image): boolean {
    return this.namesOf(image.id).length === 0 && this.childrenOf(image.id).length === 0;
  }

  /** As `docker rmi`. @throws DockerError 404, 409 */
  remove(
    text: string,
    options: { force: boolean; noPrune: boolean },
    users: readonly ImageUser[],
  ): RemovedLine[] {
    const image = this.find(text);
    const short = image.id.slice(7, 19);
    const names = this.namesOf(image.id);
    const byId = image.id.replace(/^sha256:/, '').startsWith(text.replace(/^sha256:/, ''));
    const using = users.filter((user) => user.imageId === image.id);
    if (!byId) {
      const reference = parseReference(text);
      const name = reference.digest ? `${reference.name}@${reference.digest}` : tagged(reference);
      if (names.length === 1 && using.length > 0 && !options.force)
        throw conflict(
          `conflict: unable to remove repository reference "${text}" (must force) - container ${using[0]!.id.slice(0, 12)} is using its referenced image ${short}`,
        );
      if (names.length > 1 || (using.length > 0 && using.some(({ running }) => running)))
        return this.untag(name);
      this.refuseInUse(image, using, options.force);
      return [...this.untagAll(image.id), ...this.deleteWithParents(image, options.noPrune, users)];
    }
    if (new Set(names.map((name) => name.slice(0, name.lastIndexOf(':')))).size > 1 && !options.force)
      throw conflict(
        `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
      );
    this.refuseInUse(image, using, options.force);
    return [...this.untagAll(image.id), ...this.deleteWithParents(image, options.noPrune, users)];
  }

  prune(all: boolean, users: readonly ImageUser[]): { lines: RemovedLine[]; images: Image[] } {
    const lines: RemovedLine[] = [];
    const before = new Map(this.images);
    for (const image of before.values()) {
      const used = users.some((user) => user.imageId === image.id);
      if (!this.images.has(image.id) || used || this.childrenOf(image.id).length > 0) continue;
      if (!all && this.namesOf(image.id).length > 0) continue;
      lines.push(...this.untagAll(image.id), ...this.deleteWithParents(image, false, users));
    }
    return { lines, images: [...before.values()].filter(({ id }) => !this.images.has(id)) };
  }

  private byName(text: string): Image | null {
    let reference;
    try {
      reference = parseReference(text);
    } catch {
      return null;
    }
    const { name, digest } = reference;
    const id = digest === null ? this.tags.get(tagged(reference)) : this.digests.get(`${name}@${digest}`);
    return (id === undefined ? undefined : this.images.get(id)) ?? null;
  }

  private refuseInUse(image: Image, using: readonly ImageUser[], force: boolean): void {
    const short = image.id.slice(7, 19);
    const running = using.find((user) => user.running);
    if (running)
      throw conflict(
        `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`,
      );
    if (using[0] && !force)
      throw conflict(
        `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${using[0].id.slice(0, 12)}`,
      );
    if (this.childrenOf(image.id).length > 0)
      throw conflict(
        `conflict: unable to delete ${short} (cannot be forced) - image has dependent child images`,
      );
  }

  private untag(name: string): RemovedLine[] {
    this.tags.delete(name);
    this.digests.delete(name);
    return [{ Untagged: name }];
  }

  private untagAll(id: string): RemovedLine[] {
    return [...this.namesOf(id), ...this.digestsOf(id)].flatMap((name) => this.untag(name));
  }

  private deleteWithParents(image: Image, noPrune: boolean, users: readonly ImageUser[]): RemovedLine[] {
    const lines: RemovedLine[] = [];
    for (let at: Image | undefined = image; at; at = this.images.get(at.parent)) {
      const isParent = at !== image;
      if (isParent && (noPrune || !this.isDangling(at) || users.some((user) => user.imageId === at!.id)))
        break;
      this.images.delete(at.id);
      lines.push({ Deleted: at.id });
    }
    return lines;
  }
}

/** `docker tag`'s target. @throws DockerError 400 */
export function newName(repo: string, tag: string): string {
  if (repo === '') throw badRequest('invalid reference format');
  const reference = parseReference(tag === '' ? repo : `${repo}:${tag}`);
  if (reference.digest !== null) throw badRequest('refusing to create a tag with a digest reference');
  return tagged(reference);
}
