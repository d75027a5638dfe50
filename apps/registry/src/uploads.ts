import { setTimeout as sleep } from 'node:timers/promises';
import { refusal, Refused } from './refusal.js';

/** Of one owner at once; docker sends five layers side by side, skopeo six. */
const mostOfOne = 64;
/** A client that has its answer goes on at once; the request before is settled a moment later. */
const settledWithinMs = 3_000;

const tooMany = refusal(429, 'TOOMANYREQUESTS', `At most ${mostOfOne} uploads at once.`);
const twoWriters = refusal(400, 'BLOB_UPLOAD_INVALID', 'Another request writes to this upload.');

/** Who writes to what: one request to an upload, and so many of one owner. */
export class Uploads {
  readonly #writers = new Map<string, Promise<void>>();
  readonly #of = new Map<string, number>();

  /** Waits a moment for the request before. @returns to be called at the end. @throws Refused */
  async enter(owner: string, id: string): Promise<() => void> {
    const before = this.#writers.get(id);
    if (before) await Promise.race([before, sleep(settledWithinMs, undefined, { ref: false })]);
    if (this.#writers.has(id)) throw new Refused(twoWriters);
    const going = this.#of.get(owner) ?? 0;
    if (going >= mostOfOne) throw new Refused(tooMany);
    this.#of.set(owner, going + 1);
    let left: () => void = () => undefined;
    this.#writers.set(id, new Promise((resolve) => (left = resolve)));
    return () => {
      this.#writers.delete(id);
      left();
      this.#leave(owner);
    };
  }

  #leave(owner: string): void {
    const left = this.#of.get(owner)! - 1;
    if (left > 0) this.#of.set(owner, left);
    else this.#of.delete(owner);
  }
}
