import { LibvirtGuestStreams } from '@bellows/hypervisor/libvirt/guest-stream/libvirt-guest-streams';
import { SimGuestStreams } from '@bellows/hypervisor/sim/guest-stream';
import type { GuestStreams } from '@bellows/operations/ports/guest-stream';
import type { GatewaySettings } from './settings.js';
import { StreamsByDriver } from './streams-by-driver.js';

/** The one place that names the adapters. */
export const guestStreams = ({ fleet }: GatewaySettings): GuestStreams =>
  new StreamsByDriver({
    libvirt: new LibvirtGuestStreams(),
    ...(fleet && { sim: new SimGuestStreams(fleet) }),
  });
