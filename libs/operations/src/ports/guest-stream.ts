import type { InstanceId } from '@bellows/domain/ids';
import type { Duplex } from 'node:stream';
import type { HostRef } from './host-driver.js';

/** What a stream may be opened to, inside a guest. */
export type GuestTarget = 'docker';

/**
 * Byte streams into running guests, beside the network: they work when a guest's owner has broken it. Reading and
 * streaming only; nothing here changes a guest. All that comes out of a stream is hostile.
 */
export interface GuestStreams {
  /**
   * A new stream of its own, half-closable both ways, with backpressure both ways. Destroying it closes the far end.
   * @throws GuestUnreachableError when the guest is not running, or what carries streams in it does not answer.
   */
  open(host: HostRef, instanceId: InstanceId, target: GuestTarget, signal?: AbortSignal): Promise<Duplex>;
  /** Ends every stream and every link. */
  close(): Promise<void>;
}

export class GuestUnreachableError extends Error {
  override readonly name = 'GuestUnreachableError';
  constructor(
    readonly reason: 'not-running' | 'silent' | 'refused' | 'too-many',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
