import type { HostId, InstanceId } from '@bellows/domain/ids';
import type { Cloud } from '@bellows/operations/cloud';
import type { GuestEvent } from '@bellows/operations/ports/host-driver';
import { onGuestEvent } from '@bellows/operations/reconcile/settle';
import type { Logger } from 'pino';

const pageSize = 500;

/** Hears what guests do on their own, on every host. Events may be lost: observation makes up for them. */
export class GuestEvents {
  readonly #watches = new Map<HostId, { close(): void }>();

  constructor(
    private readonly cloud: Cloud,
    private readonly logger: Logger,
    /** True: an operation is at work on that guest, and sees for itself. */
    private readonly isAtWork: (id: InstanceId) => boolean,
  ) {}

  /** Watches the hosts that are there now, and no others. */
  async follow(): Promise<void> {
    const seen = new Set<HostId>();
    let cursor: string | null = null;
    do {
      const page = await this.cloud.store.hosts({ limit: pageSize, cursor });
      for (const host of page.items) {
        seen.add(host.id);
        const driver = this.cloud.drivers[host.driver];
        if (!driver || this.#watches.has(host.id)) continue;
        const ref = { id: host.id, driver: host.driver, uri: host.uri };
        this.#watches.set(
          host.id,
          driver.watch(ref, (event) => this.#heard(event)),
        );
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    for (const [id, watch] of this.#watches) if (!seen.has(id)) this.#forget(id, watch);
  }

  close(): void {
    for (const [id, watch] of this.#watches) this.#forget(id, watch);
  }

  #heard(event: GuestEvent): void {
    if (this.isAtWork(event.instanceId)) return;
    onGuestEvent(this.cloud, event).catch((error: unknown) => {
      this.logger.warn(
        { instanceId: event.instanceId, event: event.kind, err: error },
        'a guest event was lost',
      );
    });
  }

  #forget(id: HostId, watch: { close(): void }): void {
    watch.close();
    this.#watches.delete(id);
  }
}
