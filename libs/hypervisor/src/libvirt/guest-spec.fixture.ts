import type { InstanceId } from '@bellows/domain/ids';
import type { GuestSpec } from '@bellows/operations/ports/host-driver';

/** A small guest at its floor. @param number 0 to 65535, from which its address, MAC and tap are made. */
export function elasticSpec(
  instanceId: InstanceId,
  number: number,
  changes: Partial<GuestSpec> = {},
): GuestSpec {
  const hex = number.toString(16).padStart(4, '0');
  return {
    instanceId,
    hostname: `guest-${hex}`,
    image: 'debian-12-micro',
    diskFormat: 'raw',
    size: { vcpus: 1, ramMib: 1024, diskGib: 4 },
    floor: { vcpus: 1, ramMib: 1024 },
    ceiling: { vcpus: 4, ramMib: 4096 },
    nic: {
      mac: `52:54:00:fe:${hex.slice(0, 2)}:${hex.slice(2)}`,
      tap: `btt${hex}`,
      privateAddress: `10.77.${240 + (number >> 12)}.${1 + (number % 250)}`,
      prefixLength: 16,
      gateway: '10.77.0.1',
      nameservers: ['10.77.0.1'],
      publicAddress: null,
    },
    sshKeys: [],
    userData: null,
    ...changes,
  };
}
