import { HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';

/** What a host's installation decided, and the driver has to know. */
export interface HostFacts {
  /** `kvm` only where a guest kernel was seen to boot under it; opening /dev/kvm proves nothing. */
  readonly virtType: 'kvm' | 'qemu';
  readonly bridge: string;
  /** MiB of QEMU's own, beyond the guest's memory. */
  readonly guestOverheadMib: number;
  /** What guests are told of the cloud's registry; not of the host's own knowledge. */
  readonly registry?: GuestRegistry;
}

/** A registry that a guest's container engine trusts without anybody's doing. */
export interface GuestRegistry {
  /** HOST:PORT as guests reach it. */
  readonly address: string;
  /** PEM of the authority it is trusted by; null: one that everybody trusts. */
  readonly authority: string | null;
}

/** Volume of the pool that carries them, as JSON; infra/host/install.sh writes it. */
export const hostFactsVolume = 'bellows-host.json';
export const poolName = 'bellows';

const overheadMib = { kvm: 256, qemu: 512 } as const;

/** Strict where a value is there, safe where it is not: software emulation works on every host. */
export function parseHostFacts(text: string | null): HostFacts {
  const said = text === null ? {} : (JSON.parse(text) as Record<string, unknown>);
  const { bridge = 'bellows0', guestOverheadMib } = said;
  const virtType = said['virtType'] === 'kvm' ? 'kvm' : 'qemu';
  if (typeof bridge !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(bridge)) {
    throw new HypervisorRefusedError(`${hostFactsVolume}: bridge is no interface name`);
  }
  const overhead = guestOverheadMib ?? overheadMib[virtType];
  if (!Number.isInteger(overhead) || (overhead as number) < 64 || (overhead as number) > 65536) {
    throw new HypervisorRefusedError(`${hostFactsVolume}: guestOverheadMib is out of range`);
  }
  return { virtType, bridge, guestOverheadMib: overhead as number };
}
