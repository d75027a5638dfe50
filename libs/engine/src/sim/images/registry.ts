import { notFound } from '../docker-error.js';
import { limits } from '../limits.js';
import { catalogue, officialName } from './catalogue.js';
import { sizeOf, type Image } from './image.js';
import { manifestDigest } from './image.js';
import { tagged, type Reference } from './reference.js';

const mostBytes = 2 * limits.fileBytes;

/** The modelled registries one realm (a project, say) sees: what it pushed, whatever the host part, and the catalogue. */
export class ModelRegistry {
  private readonly pushed = new Map<string, Image>();
  private bytes = 0;

  /** @throws DockerError 404 as a registry's refusal reads through dockerd. */
  find(reference: Reference): Image {
    const own = this.pushed.get(tagged(reference));
    const name = officialName(reference);
    const official = name === null ? undefined : catalogue().get(`${name}:${reference.tag ?? 'latest'}`);
    const image = reference.digest === null ? (own ?? official) : this.byDigest(reference.digest, name);
    if (image) return image;
    if (!this.knows(reference.name, name))
      throw notFound(
        `pull access denied for ${reference.name}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
      );
    const wanted = reference.digest === null ? tagged(reference) : `${reference.name}@${reference.digest}`;
    throw notFound(`manifest for ${wanted} not found: manifest unknown: manifest unknown`);
  }

  push(reference: Reference, image: Image): void {
    const key = tagged(reference);
    const before = this.pushed.get(key);
    const delta = ownBytes(image) - (before ? ownBytes(before) : 0);
    if (this.bytes + delta > mostBytes) throw notFound('the modelled registry is full');
    this.bytes += delta;
    this.pushed.set(key, image);
  }

  all(): readonly [string, Image][] {
    return [...this.pushed];
  }

  private byDigest(digest: string, name: string | null): Image | undefined {
    const official = [...catalogue()].filter(([tag]) => tag.split(':')[0] === name).map(([, image]) => image);
    return [...this.pushed.values(), ...official].find((image) => manifestDigest(image).digest === digest);
  }

  private knows(repository: string, official: string | null): boolean {
    const under = (keys: Iterable<string>, name: string) =>
      [...keys].some((key) => key.slice(0, key.lastIndexOf(':')) === name);
    return (
      under(this.pushed.keys(), repository) || (official !== null && under(catalogue().keys(), official))
    );
  }
}

const ownBytes = (image: Image): number => sizeOf(image) - image.modelledBytes;
