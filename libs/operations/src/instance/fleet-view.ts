import type { HostId } from '@bellows/domain/ids';
import { FleetIndex } from '@bellows/domain/placement';
import type { Plan } from '@bellows/domain/plan';
import type { Image, IpPool } from '../ports/rows.js';
import type { Store } from '../ports/store.js';

const followMs = 250;
const catalogueMs = 1_000;

/** This process's view of the fleet and of the catalogue: loaded once, then following every process's changes. */
export class FleetView {
  readonly index = new FleetIndex();
  /** The marks of the last two reads: each change is read twice, the second time after its claim was confirmed. */
  private marks: [older: string, newer: string] = ['', ''];
  private timers: NodeJS.Timeout[] = [];
  private following: Promise<void> | null = null;
  private catalogue: { plans: Plan[]; images: Image[]; pools: IpPool[] } = {
    plans: [],
    images: [],
    pools: [],
  };

  constructor(
    private readonly store: Store,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    const { rows, mark } = await this.store.placementRows();
    for (const row of rows) this.index.upsert(row);
    this.marks = [mark, mark];
    await this.readCatalogue();
    this.every(followMs, () => this.follow());
    this.every(catalogueMs, () => this.readCatalogue());
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  /** Takes in what other processes did; calls made at the same time share one read. */
  follow(): Promise<void> {
    this.following ??= this.followOnce().finally(() => (this.following = null));
    return this.following;
  }

  /** Reads one host anew: the database has just shown that our view of it was wrong. */
  async reread(id: HostId): Promise<void> {
    const host = await this.store.host(id);
    if (host) this.index.upsert(host);
    else this.index.remove(id);
  }

  plans(): readonly Plan[] {
    return this.catalogue.plans;
  }

  image(name: string): Image | undefined {
    return this.catalogue.images.find((image) => image.name === name || image.id === name);
  }

  /** The pool of the zone, or the one that serves every zone without its own. */
  pool(kind: IpPool['kind'], zone: string): IpPool | null {
    const { pools } = this.catalogue;
    const own = pools.filter((pool) => pool.kind === kind && pool.zone === zone);
    const any = own.length > 0 ? own : pools.filter((pool) => pool.kind === kind && pool.zone === null);
    return any.find((pool) => pool.used < pool.size) ?? any[0] ?? null;
  }

  async readCatalogue(): Promise<void> {
    const [plans, images, pools] = await Promise.all([
      this.store.plans(),
      this.store.images(),
      this.store.ipPools(),
    ]);
    this.catalogue = { plans, images, pools };
  }

  private async followOnce(): Promise<void> {
    const { rows, removed, mark } = await this.store.placementChanges(this.marks[0]);
    for (const row of rows) this.index.upsert(row);
    for (const id of removed) this.index.remove(id);
    this.marks = [this.marks[1], mark];
  }

  private every(ms: number, work: () => Promise<void>): void {
    this.timers.push(setInterval(() => void work().catch(this.onError), ms).unref());
  }
}
