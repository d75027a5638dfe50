import type { HostId, InstanceId } from '@bellows/domain/ids';
import type { GuestSpec, HostRef } from '@bellows/operations/ports/host-driver';
import { hostUri } from './host-uri.js';

let made = 0;

/** A guest at its floor, with an id of its own. */
export function specOf(changes: Partial<GuestSpec> = {}): GuestSpec {
  const instanceId = (changes.instanceId ?? `i-${String(++made).padStart(20, '0')}`) as InstanceId;
  return {
    instanceId,
    hostname: instanceId,
    image: 'debian-12-micro',
    diskFormat: 'raw',
    size: { vcpus: 1, ramMib: 1024, diskGib: 10 },
    floor: { vcpus: 1, ramMib: 1024 },
    ceiling: { vcpus: 4, ramMib: 4096 },
    nic: {
      mac: '52:54:00:00:00:01',
      tap: 'bt0001',
      privateAddress: '10.77.0.2',
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

export const hostOf = (name: string): HostRef => ({
  id: `h-${name}` as HostId,
  driver: 'sim',
  uri: hostUri(name),
});

export const serverOf = (name: string) => ({ name, vcpus: 64, ramMib: 262_144, diskGib: 4_000 });
