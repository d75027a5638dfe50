import type { EpochMs } from './rows.js';

export interface RepositoryTag {
  readonly name: string;
  readonly digest: string;
  /** Of the manifest and all it names, once each. */
  readonly bytes: number;
  readonly pushedAt: EpochMs;
}

export interface Repository {
  readonly name: string;
  readonly tags: readonly RepositoryTag[];
  /** Of every blob linked here, tagged or not, once each. */
  readonly bytes: number;
}

export interface Collection {
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs | null;
  readonly error: string | null;
}

/** The registry's keeper does not answer. */
export class ImagesUnavailableError extends Error {}

/** What the registry keeps, and taking things away. Every call may throw `ImagesUnavailableError`. */
export interface Images {
  /** @param namespace a project's id or `library`. @param after name to go on behind. */
  repositories(
    namespace: string,
    page: { readonly limit: number; readonly after: string | null },
  ): Promise<{ readonly items: readonly Repository[]; readonly next: string | null }>;
  repository(name: string): Promise<Repository | null>;
  usedBytes(namespace: string): Promise<number>;
  /** @param tag null: the whole repository. @returns false when there is none. */
  remove(repository: string, tag: string | null): Promise<boolean>;
  /** False: one is under way. */
  collect(): Promise<boolean>;
  lastCollection(): Promise<Collection | null>;
}
