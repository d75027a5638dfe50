import type { Duplex } from 'node:stream';
import type { InstanceId } from '@bellows/domain/ids';
import type { GuestStreams, GuestTarget } from '@bellows/operations/ports/guest-stream';
import type { DriverName, HostRef } from '@bellows/operations/ports/host-driver';

/** Streams into the guests of any server: each driver's servers by that driver's own adapter. */
export class StreamsByDriver implements GuestStreams {
  constructor(private readonly adapters: Readonly<Partial<Record<DriverName, GuestStreams>>>) {}

  open(host: HostRef, instanceId: InstanceId, target: GuestTarget, signal?: AbortSignal): Promise<Duplex> {
    const adapter = this.adapters[host.driver];
    if (!adapter)
      return Promise.reject(new Error(`This gateway reaches no server of the driver ${host.driver}.`));
    return adapter.open(host, instanceId, target, signal);
  }

  async close(): Promise<void> {
    await Promise.allSettled(Object.values(this.adapters).map((adapter) => adapter.close()));
  }
}
