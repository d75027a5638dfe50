import { HypervisorRefusedError } from '../ports/driver-errors.js';
import type { HostDriver } from '../ports/host-driver.js';
import type { Store } from '../ports/store.js';

/** When a worker dies: at its n-th effect on a host, before or after it was made. */
export interface Death {
  readonly atEffect: number;
  readonly when: 'before' | 'after';
}

/**
 * The store and the driver of a worker that dies: from its death on, no call of it returns or reaches anything,
 * as when a process is killed. `refuseAt` makes the host refuse that effect for good, so that the saga turns round.
 */
export function mortal(
  store: Store,
  driver: HostDriver,
  death: Death | null,
  refuseAt: number | null = null,
) {
  let effects = 0;
  let dead = false;
  let died!: () => void;
  const death$ = new Promise<void>((resolve) => (died = resolve));
  const never = new Promise<never>(() => undefined);
  const die = () => {
    dead = true;
    died();
    return never;
  };
  const mortalStore = new Proxy(store, {
    get: (target, name: keyof Store) => {
      const member = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => (dead ? never : member.apply(target, args));
    },
  });
  const mortalDriver = new Proxy(driver, {
    get: (target, name: keyof HostDriver) => {
      const member = target[name] as (...args: unknown[]) => Promise<unknown>;
      if (!name.startsWith('ensure'))
        return (...args: unknown[]) => (dead ? never : member.apply(target, args));
      return async (...args: unknown[]) => {
        if (dead) return never;
        const effect = effects++;
        if (effect === refuseAt) throw new HypervisorRefusedError('refused for the test');
        if (death?.atEffect === effect && death.when === 'before') return die();
        const result = await member.apply(target, args);
        return death?.atEffect === effect ? die() : result;
      };
    },
  });
  return { store: mortalStore, driver: mortalDriver, died: death$, effects: () => effects };
}
