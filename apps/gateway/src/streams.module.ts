import { LibvirtGuestStreams } from '@bellows/hypervisor/libvirt/guest-stream/libvirt-guest-streams';
import type { GuestStreams } from '@bellows/operations/ports/guest-stream';
import type { GatewaySettings } from './settings.js';
import { StreamsByDriver } from './streams-by-driver.js';

/** The one place that names the adapters. */
export const guestStreams = (_settings: GatewaySettings): GuestStreams =>
  new StreamsByDriver({ libvirt: new LibvirtGuestStreams() });
