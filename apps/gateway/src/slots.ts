export interface SlotLimits {
  /** A guest's link has 512 streams at most; a few stay for the cloud's own questions. */
  readonly perInstance: number;
  readonly perPrincipal: number;
}

export const slotLimits: SlotLimits = { perInstance: 508, perPrincipal: 1024 };

/** How many exchanges are open, for each guest and for whoever asked. */
export class Slots {
  readonly #open = new Map<string, number>();

  constructor(private readonly limits: SlotLimits) {}

  /** @returns gives the slot back; or, as a sentence, why there is none. */
  take(instanceId: string, principal: string): (() => void) | string {
    const { perInstance, perPrincipal } = this.limits;
    if (this.#count(instanceId) >= perInstance) {
      return `At most ${perInstance} requests at once to one container engine.`;
    }
    if (this.#count(principal) >= perPrincipal) {
      return `At most ${perPrincipal} requests at once to container engines for one token.`;
    }
    this.#add(instanceId, 1);
    this.#add(principal, 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#add(instanceId, -1);
      this.#add(principal, -1);
    };
  }

  #count(key: string): number {
    return this.#open.get(key) ?? 0;
  }

  #add(key: string, by: number): void {
    const count = this.#count(key) + by;
    if (count === 0) this.#open.delete(key);
    else this.#open.set(key, count);
  }
}
