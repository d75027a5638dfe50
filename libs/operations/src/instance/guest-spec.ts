import type { GuestSpec } from '../ports/host-driver.js';
import type { Instance } from '../ports/rows.js';

/** What a driver is told of an instance. `size` is what was asked for last. */
export function guestSpec(instance: Instance): GuestSpec {
  return {
    instanceId: instance.id,
    hostname: instance.name,
    image: instance.image,
    diskFormat: instance.diskFormat,
    size: instance.desired,
    floor: instance.floor,
    ceiling: instance.ceiling,
    nic: {
      mac: instance.mac,
      tap: instance.tap,
      privateAddress: instance.privateAddress ?? '0.0.0.0',
      prefixLength: instance.privatePrefixLength ?? 32,
      gateway: instance.privateGateway ?? '0.0.0.0',
      nameservers: [],
      publicAddress: instance.publicAddress,
    },
    sshKeys: instance.sshKeys,
    userData: instance.userData,
  };
}
