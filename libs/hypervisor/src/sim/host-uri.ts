import { HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';
import type { HostRef } from '@bellows/operations/ports/host-driver';

const prefix = 'sim:';

export const hostUri = (name: string): string => prefix + name;

/** `sim:NAME` → `NAME` */
export function hostName(host: HostRef): string {
  if (host.driver === 'sim' && host.uri.startsWith(prefix)) return host.uri.slice(prefix.length);
  throw new HypervisorRefusedError(`${host.uri} is not a modelled host; those are sim:NAME`);
}
