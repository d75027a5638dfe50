import type { Size } from '@bellows/domain/size';
import {
  ForeignOwnerError,
  HostUnreachableError,
  HypervisorRefusedError,
} from '@bellows/operations/ports/driver-errors';
import type {
  Fence,
  GuestObservation,
  HostObservation,
  ListedGuest,
} from '@bellows/operations/ports/host-driver';
import { chanceOf } from './chance.js';
import { guestFaultsOf, noFaults, rateOf, type Faults } from './faults.js';
import { newEvents, type DatedEvent } from './guest-events.js';
import { letGo, resetRun } from './guest-runs.js';
import { applyVerb, type Circumstances, type GuestVerb } from './guest-verbs.js';
import { drawMs, type LatencyName } from './latency.js';
import { observe, runAt, type ModelGuest } from './model-guest.js';
import {
  foreignGuest,
  inventoryOf,
  listGuests,
  makeHost,
  observeHost,
  type HostInventory,
  type HostSpec,
  type ModelHost,
} from './model-host.js';

/** A change of the fleet's state, whole and not a difference: applying it twice, or late, is harmless. */
export type Change =
  | { readonly kind: 'host'; readonly host: ModelHost }
  | { readonly kind: 'host-gone'; readonly name: string }
  | { readonly kind: 'guest'; readonly host: string; readonly id: string; readonly guest: ModelGuest | null }
  | { readonly kind: 'faults'; readonly faults: Faults };

export interface SimFleetOptions {
  /** Same seed, same requests at the same times: same fleet. */
  readonly seed: string;
  /** Multiplies the modelled latencies: 1 as measured, 0 none. */
  readonly latencyScale: number;
  /** Told of every change before the call that made it returns: a journal. */
  readonly onChange?: (change: Change) => void;
  /** Told what a change adds to a guest's past and future. */
  readonly onEvents?: (host: string, id: string, events: readonly DatedEvent[]) => void;
}

/** When an answer is due, and the answer. */
export interface Answer<Value> {
  readonly value: Value;
  readonly answerAt: number;
}

interface Server {
  host: ModelHost;
  readonly guests: Map<string, ModelGuest>;
}

/**
 * Any number of modelled physical servers. Pure but for its own memory: time is an argument, chance is a hash of
 * the seed. Methods throw the errors of `driver-errors`, and change nothing when they do.
 */
export class SimFleet {
  private readonly servers = new Map<string, Server>();
  private readonly calls = new Map<string, number>();
  private faultsNow: Faults = noFaults;

  constructor(private readonly options: SimFleetOptions) {}

  get faults(): Faults {
    return this.faultsNow;
  }

  /** Makes the server, or confirms it; its capacity may be told anew, its mark and guests stay. */
  registerHost(spec: HostSpec): ModelHost {
    const made = makeHost(spec);
    const known = this.servers.get(spec.name)?.host;
    const host = { ...made, owner: known?.owner ?? null };
    if (!known || JSON.stringify(known) !== JSON.stringify(host)) this.change({ kind: 'host', host });
    return host;
  }

  /** @throws HypervisorRefusedError while anything lies on it. */
  removeHost(name: string, now: number): void {
    const server = this.servers.get(name);
    if (!server) return;
    if (inventoryOf(server.host, server.guests, now).volumes > 0) {
      throw new HypervisorRefusedError(`host ${name} still has guests or disks`);
    }
    this.change({ kind: 'host-gone', name });
  }

  inventory(now: number): HostInventory[] {
    return [...this.servers.values()].map(({ host, guests }) => inventoryOf(host, guests, now));
  }

  observeHost(name: string, now: number): Answer<HostObservation> {
    const { host, guests } = this.reach(name, 'observeHost');
    return { value: observeHost(host, guests, now), answerAt: now + this.takes('lookup', name) };
  }

  listGuests(name: string, now: number): Answer<ListedGuest[]> {
    const { guests } = this.reach(name, 'listGuests');
    return { value: listGuests(guests, now), answerAt: now + this.takes('lookup', name) };
  }

  ensureEnrolled(name: string, controllerId: string, now: number): Answer<void> {
    return this.mark(name, 'ensureEnrolled', controllerId, controllerId, now);
  }

  ensureReleased(name: string, controllerId: string, now: number): Answer<void> {
    return this.mark(name, 'ensureReleased', controllerId, null, now);
  }

  perform(name: string, fence: Fence, verb: GuestVerb, now: number): Answer<void> {
    const { host, guests } = this.reach(name, verb.verb, fence.instanceId);
    if (host.owner !== null && host.owner !== fence.controllerId) {
      throw new ForeignOwnerError(`host ${name} belongs to ${host.owner}`);
    }
    const id = fence.instanceId;
    const given = guests.get(id) ?? null;
    const world = this.circumstances(id, given, host.images, now);
    const { guest, effectAt } = applyVerb(given, fence, verb, world);
    if (guest) this.changeGuest(name, id, { ...guest, draws: world.drawn() });
    if (this.strikes(this.faultsNow.lostAnswerRate, verb.verb, id)) {
      throw new HostUnreachableError(`injected: the answer of ${verb.verb} was lost`);
    }
    return { value: undefined, answerAt: effectAt };
  }

  /** The observation is of the time it is answered: the caller asks again then when that is later. */
  observeGuest(name: string, id: string, askGuest: boolean, now: number): GuestObservation {
    const { guests } = this.reach(name, 'observeGuest', id);
    return observe(guests.get(id), now, askGuest, guestFaultsOf(this.faultsNow, this.options.seed, id));
  }

  /** How long an observation takes; asking the agent takes longer. */
  observationMs(askGuest: boolean): number {
    return this.takes('lookup', 'observe') + (askGuest ? this.takes('askAgent', 'observe') : 0);
  }

  setFaults(faults: Faults, now: number): void {
    this.change({ kind: 'faults', faults });
    for (const [name, { host, guests }] of this.servers) {
      for (const [id, guest] of guests) this.letGoOf(name, id, guest, host.images, now);
    }
  }

  /** The guest reboots from within, unasked. */
  resetGuest(name: string, id: string, now: number): void {
    const { host, guests } = this.reach(name, 'resetGuest');
    const guest = guests.get(id);
    const run = guest && runAt(guest, now);
    if (!guest || !run) throw new HypervisorRefusedError(`guest ${id} is not running`);
    const world = this.circumstances(id, guest, host.images, now);
    const after = resetRun(run, guest.image, guest.floor.ramMib, world);
    this.changeGuest(name, id, { ...guest, run: after, draws: world.drawn() });
  }

  /** A guest that this controller did not make. */
  addForeignGuest(name: string, id: string, size: Size, controllerId: string | null, now: number): void {
    this.reach(name, 'addForeignGuest');
    this.changeGuest(name, id, foreignGuest(size, controllerId, now));
  }

  agentIsSilent(id: string): boolean {
    return guestFaultsOf(this.faultsNow, this.options.seed, id).agent === 'silent';
  }

  guest(name: string, id: string): ModelGuest | null {
    return this.servers.get(name)?.guests.get(id) ?? null;
  }

  /** Forgets what has gone by now; observations are the same before and after. */
  prune(now: number): void {
    for (const { guests } of this.servers.values()) {
      for (const [id, guest] of guests)
        if (guest.absentAt !== null && guest.absentAt <= now) guests.delete(id);
    }
  }

  /** The whole state as changes that make it: what a snapshot holds. */
  *everything(): Generator<Change> {
    yield { kind: 'faults', faults: this.faultsNow };
    for (const { host } of this.servers.values()) yield { kind: 'host', host };
    for (const [name, { guests }] of this.servers) {
      for (const [id, guest] of guests) yield { kind: 'guest', host: name, id, guest };
    }
  }

  /** Takes a change in without telling anyone: recovery. */
  restore(change: Change): void {
    switch (change.kind) {
      case 'host':
        this.servers.set(change.host.name, {
          host: change.host,
          guests: this.servers.get(change.host.name)?.guests ?? new Map<string, ModelGuest>(),
        });
        return;
      case 'host-gone':
        this.servers.delete(change.name);
        return;
      case 'guest':
        if (change.guest) this.servers.get(change.host)?.guests.set(change.id, change.guest);
        else this.servers.get(change.host)?.guests.delete(change.id);
        return;
      case 'faults':
        this.faultsNow = change.faults;
    }
  }

  private change(change: Change): void {
    this.restore(change);
    this.options.onChange?.(change);
  }

  private changeGuest(host: string, id: string, guest: ModelGuest): void {
    const events = this.options.onEvents && newEvents(this.guest(host, id), guest);
    const gone =
      guest.absentAt !== null && guest.absentAt <= guest.busyUntil && this.options.latencyScale === 0;
    this.change({ kind: 'guest', host, id, guest: gone ? null : guest });
    if (events?.length) this.options.onEvents?.(host, id, events);
  }

  private letGoOf(host: string, id: string, guest: ModelGuest, images: readonly string[], now: number): void {
    const run = runAt(guest, now);
    const refuses = (guestFaultsOf(this.faultsNow, this.options.seed, id).givesBack ?? 1) < 1;
    if (!run || refuses) return;
    const world = this.circumstances(id, guest, images, now);
    const after = letGo(run, world);
    if (after !== run) this.changeGuest(host, id, { ...guest, run: after, draws: world.drawn() });
  }

  private mark(
    name: string,
    verb: string,
    controllerId: string,
    owner: string | null,
    now: number,
  ): Answer<void> {
    const { host } = this.reach(name, verb);
    if (host.owner !== null && host.owner !== controllerId) {
      throw new ForeignOwnerError(`host ${name} belongs to ${host.owner}`);
    }
    if (host.owner !== owner) this.change({ kind: 'host', host: { ...host, owner } });
    return { value: undefined, answerAt: now + this.takes('define', name) };
  }

  private reach(name: string, verb: string, about = name): Server {
    const server = this.servers.get(name);
    if (!server) throw new HostUnreachableError(`there is no modelled host ${name}`);
    if (this.faultsNow.hosts[name]) throw new HostUnreachableError(`injected: host ${name} is dead`);
    if (this.strikes(this.faultsNow.errorRate, verb, about)) {
      throw new HostUnreachableError(`injected: ${verb} failed`);
    }
    return server;
  }

  private strikes(rates: Readonly<Record<string, number>>, verb: string, about: string): boolean {
    const rate = rateOf(rates, verb);
    if (rate === 0) return false;
    return chanceOf(this.options.seed, 'fault', verb, about, this.count(`${verb}|${about}`)) < rate;
  }

  private count(key: string): number {
    const calls = (this.calls.get(key) ?? 0) + 1;
    this.calls.set(key, calls);
    return calls;
  }

  private takes(name: LatencyName, about: string): number {
    if (this.options.latencyScale === 0) return 0;
    return drawMs(
      name,
      this.options.latencyScale,
      chanceOf(this.options.seed, name, about, this.count(name)),
    );
  }

  private circumstances(
    id: string,
    guest: ModelGuest | null,
    images: readonly string[],
    now: number,
  ): Circumstances & { drawn(): number } {
    const { seed, latencyScale } = this.options;
    let draws = guest?.draws ?? 0;
    const takes = (name: LatencyName) => drawMs(name, latencyScale, chanceOf(seed, name, id, draws++));
    return { now, takes, faults: guestFaultsOf(this.faultsNow, seed, id), images, drawn: () => draws };
  }
}
