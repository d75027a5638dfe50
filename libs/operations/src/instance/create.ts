import type { HostId, ProjectId } from '@bellows/domain/ids';
import { money } from '@bellows/domain/money';
import type { PlaceableHost } from '@bellows/domain/placement';
import { pricePerHour } from '@bellows/domain/price';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, refusalOf, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Instance, Operation } from '../ports/rows.js';
import type { AdmissionResult, CreateAdmission, StoredAnswer } from '../ports/store.js';
import { lacksRole } from '../views/visible.js';
import { FleetView } from './fleet-view.js';
import { newGuest, sizeOf, type CreateAsk, type ResolvedCreate } from './new-instance.js';

export interface Accepted {
  readonly operations: readonly Operation[];
  readonly instances: readonly Instance[];
}

export interface DryRun {
  readonly zone: string;
  readonly hostId: HostId;
  readonly count: number;
  readonly pricePerHour: string;
}

interface Waiting {
  readonly ask: Ask;
  readonly create: ResolvedCreate;
  readonly answer: Answer<Accepted>;
  /** Hosts that must not be chosen: the group's, and those whose claim was just refused. */
  readonly avoid: Set<HostId>;
  attempts: number;
  settle(result: StoredAnswer | Refusal): void;
  fail(error: unknown): void;
}

const largestBatch = 64;
/** How long a batch waits for company when the one before it had some. */
const gatherMs = 2;
const mostAttempts = 6;

/**
 * Lets instances in: decides a place in this process's view of the fleet, and claims it in the database.
 * Creates that arrive while one commit is under way share the next one: hot rows (the project's quota, the
 * host) are then written once a batch, not once a create.
 */
export class Admission {
  readonly view: FleetView;
  private readonly waiting: Waiting[] = [];
  private pumping = false;

  constructor(
    private readonly cloud: Cloud,
    private readonly onError: (error: unknown) => void = () => undefined,
  ) {
    this.view = new FleetView(cloud.store, onError);
  }

  start(): Promise<void> {
    return this.view.start();
  }

  stop(): void {
    this.view.stop();
  }

  async create(
    ask: Ask,
    body: CreateAsk,
    projectId: ProjectId,
    answer: Answer<Accepted>,
  ): Promise<StoredAnswer | Refusal> {
    const early = lacksRole(ask.principal, 'member') ?? (await replay(this.cloud.store, ask.idempotency));
    if (early) return early;
    const create = await this.resolve(body, projectId);
    if (isRefusal(create)) return create;
    const avoid = new Set(await this.groupHosts(create));
    return new Promise((settle, fail) => {
      this.waiting.push({ ask, create, answer, avoid, attempts: 0, settle, fail });
      void this.pump();
    });
  }

  /** Where it would land and what it would cost; claims nothing. */
  async dryRun(ask: Ask, body: CreateAsk, projectId: ProjectId): Promise<DryRun | Refusal> {
    const create = lacksRole(ask.principal, 'member') ?? (await this.resolve(body, projectId));
    if (isRefusal(create)) return create;
    await this.view.follow();
    const hosts = this.place(create, new Set(await this.groupHosts(create)), false);
    if (isRefusal(hosts)) return hosts;
    const [{ zone, id }] = hosts as [PlaceableHost];
    const price = pricePerHour(create.size, create.plan) * BigInt(hosts.length);
    return { zone, hostId: id, count: hosts.length, pricePerHour: money(price) };
  }

  private async resolve(body: CreateAsk, projectId: ProjectId): Promise<ResolvedCreate | Refusal> {
    const named = () => ({
      plan: this.view.plans().find(({ id }) => id === body.plan),
      image: this.view.image(body.image),
    });
    let { plan, image } = named();
    if (!plan || !image || (body.zone !== undefined && !this.view.index.hasZone(body.zone))) {
      await Promise.all([this.view.readCatalogue(), this.view.follow()]);
      ({ plan, image } = named());
    }
    const wrong = (pointer: string, detail: string) =>
      refuse('invalid', detail, undefined, [{ pointer, detail }]);
    if (!plan) return wrong('/plan', `There is no plan ${body.plan}.`);
    if (!image) return wrong('/image', `There is no image ${body.image}.`);
    if (body.zone !== undefined && !this.view.index.hasZone(body.zone))
      return wrong('/zone', `There is no zone ${body.zone}.`);
    if (plan.ramMib < image.minRamMib)
      return wrong('/plan', `Image ${image.name} needs ${image.minRamMib} MiB.`);
    return { body, plan, image, projectId, size: sizeOf(plan, image) };
  }

  private groupHosts({ body, projectId }: ResolvedCreate): Promise<HostId[]> {
    if (body.antiAffinityGroup === undefined) return Promise.resolve([]);
    return this.cloud.store.groupHosts(projectId, body.antiAffinityGroup);
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      // Lets requests of the same turn of the event loop join the first batch.
      await new Promise(setImmediate);
      for (let before = 0; this.waiting.length > 0;) {
        // Those who were just answered come again: two batches by turns would cost twice what one costs.
        if (before > 1 && this.waiting.length < largestBatch) await this.cloud.clock.sleep(gatherMs);
        const batch = this.waiting.splice(0, largestBatch);
        before = batch.length;
        await this.admit(batch).catch((error: unknown) => batch.forEach((one) => one.fail(error)));
      }
    } finally {
      this.pumping = false;
    }
  }

  private async admit(batch: Waiting[]): Promise<void> {
    if (batch.some((one) => one.attempts > 0)) await this.view.follow();
    const placed: { one: Waiting; admission: CreateAdmission }[] = [];
    const roomless: Waiting[] = [];
    for (const one of batch) {
      const hosts = this.place(one.create, one.avoid, true);
      if (isRefusal(hosts)) roomless.push(one);
      else placed.push({ one, admission: this.admissionOf(one, hosts) });
    }
    if (placed.length > 0) await this.commit(placed);
    this.again(roomless);
  }

  /** One more look at what other processes freed; then it is a refusal. */
  private again(roomless: Waiting[]): void {
    for (const one of roomless) {
      if (one.attempts++ < 1) this.waiting.push(one);
      else one.settle(refuse('no-room', noRoom(one.create)));
    }
  }

  private place(
    { size, body }: ResolvedCreate,
    avoid: ReadonlySet<HostId>,
    note: boolean,
  ): PlaceableHost[] | Refusal {
    const { index } = this.view;
    const chosen: PlaceableHost[] = [];
    const taken = new Set(avoid);
    for (let n = 0; n < (body.count ?? 1); n++) {
      // All guests of one request share a zone, so that one pair of pools serves them.
      const host = index.choose({ size, zone: body.zone ?? chosen[0]?.zone, avoid: taken });
      if (!host) break;
      index.note(host.id, claimOn(host, size), 1);
      chosen.push(host);
      if (body.antiAffinityGroup !== undefined) taken.add(host.id);
    }
    const enough = chosen.length === (body.count ?? 1);
    if (!enough || !note) for (const host of chosen) index.note(host.id, claimOn(host, size), -1);
    return enough ? chosen : refuse('no-room', 'No server has room.');
  }

  private admissionOf({ ask, create, answer }: Waiting, hosts: PlaceableHost[]): CreateAdmission {
    const { projectId, size, body } = create;
    const guests = hosts.map((host, i) =>
      newGuest(this.cloud, ask, create, host, body.count === undefined ? null : i + 1),
    );
    const n = guests.length;
    const zone = hosts[0]!.zone;
    const at = this.cloud.clock.now();
    return {
      guests,
      privatePool: this.view.pool('private', zone),
      publicPool: this.view.pool('public', zone),
      quota: {
        projectId,
        delta: { instances: n, vcpus: n * size.vcpus, ramMib: n * size.ramMib, diskGib: n * size.diskGib },
      },
      events: guests.map(({ instance, operation }) => ({
        type: 'instance.provisioning',
        projectId,
        resource: instance.id,
        data: { operationId: operation.id },
        at,
      })),
      audit: auditOf(ask, 'instance.create', guests[0]!.instance.id, projectId, at),
      idempotency: ask.idempotency,
      answer: (stored) => answer(acceptedOf(stored)),
    };
  }

  private async commit(placed: { one: Waiting; admission: CreateAdmission }[]): Promise<void> {
    let results: AdmissionResult[];
    try {
      results = await this.cloud.store.admitCreates(placed.map(({ admission }) => admission));
    } catch (error) {
      for (const { admission } of placed) this.giveBack(admission);
      throw error;
    }
    const rings = results.flatMap((result) =>
      result.ok ? result.guests.map(({ operation }) => operation.id) : [],
    );
    if (rings.length > 0) void this.cloud.queue.ring(rings).catch(this.onError);
    await Promise.all(results.map((result, i) => this.settle(placed[i]!.one, placed[i]!.admission, result)));
  }

  private async settle(one: Waiting, admission: CreateAdmission, result: AdmissionResult): Promise<void> {
    if (result.ok) {
      for (const { instance, claim } of admission.guests) this.view.index.confirm(instance.hostId, claim);
      return one.settle(one.answer(acceptedOf(result.guests)));
    }
    this.giveBack(admission);
    if (result.why === 'no-room' && one.attempts++ < mostAttempts) {
      // The view was behind: somebody else took that place. Decide again with what is true now.
      await Promise.all(admission.guests.map(({ instance }) => this.view.reread(instance.hostId)));
      if (admission.guests.length === 1) one.avoid.add(admission.guests[0]!.instance.hostId);
      this.waiting.push(one);
      return;
    }
    const kept = result.why === 'idempotency' ? await replay(this.cloud.store, one.ask.idempotency) : null;
    one.settle(kept ?? refusalOf(result));
  }

  private giveBack({ guests }: CreateAdmission): void {
    for (const { instance, claim } of guests) this.view.index.note(instance.hostId, claim, -1);
  }
}

const claimOn = (host: PlaceableHost, size: ResolvedCreate['size']) => ({
  ...size,
  ramMib: size.ramMib + host.guestOverheadMib,
});

const acceptedOf = (guests: readonly { instance: Instance; operation: Operation }[]): Accepted => ({
  operations: guests.map(({ operation }) => operation),
  instances: guests.map(({ instance }) => instance),
});

const noRoom = ({ body, size }: ResolvedCreate): string =>
  `No server${body.zone === undefined ? '' : ` of zone ${body.zone}`} has room for ${body.count ?? 1} × ${size.vcpus} vCPU, ${size.ramMib} MiB and ${size.diskGib} GiB.`;
