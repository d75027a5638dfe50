import type { StoredImages } from './stored-images.js';

/** What one project keeps in the registry, in bytes; each blob counts once, in however many repositories it is. */
export class Account {
  readonly #blobs = new Map<string, number>();
  readonly #uploads = new Map<string, number>();
  #used = 0;

  /** Stored, and on its way in. */
  get usedBytes(): number {
    return this.#used;
  }

  has(digest: string): boolean {
    return this.#blobs.has(digest);
  }

  keep(digest: string, bytes: number): void {
    if (this.#blobs.has(digest)) return;
    this.#blobs.set(digest, bytes);
    this.#used += bytes;
  }

  /** @param bytes so far; null: the upload is over. */
  uploading(id: string, bytes: number | null): void {
    this.#used += (bytes ?? 0) - (this.#uploads.get(id) ?? 0);
    if (bytes === null) this.#uploads.delete(id);
    else this.#uploads.set(id, bytes);
  }
}

/** Counted from the disk when a project is first asked about, and kept up as its blobs come. */
export class Ledger {
  readonly #accounts = new Map<string, Promise<Account>>();

  constructor(private readonly images: StoredImages) {}

  of(namespace: string): Promise<Account> {
    let account = this.#accounts.get(namespace);
    if (!account) {
      account = this.#count(namespace);
      this.#accounts.set(namespace, account);
      account.catch(() => this.#accounts.delete(namespace));
    }
    return account;
  }

  /** Things were taken away: counted anew when next asked. */
  recount(): void {
    this.#accounts.clear();
  }

  async #count(namespace: string): Promise<Account> {
    const account = new Account();
    for (const name of await this.images.repositories(namespace)) {
      for (const [digest, bytes] of await this.images.linked(name)) account.keep(digest, bytes);
      for (const [id, bytes] of await this.images.uploads(name)) account.uploading(id, bytes);
    }
    return account;
  }
}
