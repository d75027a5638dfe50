import type { InstanceId } from '@bellows/domain/ids';
import type {
  Fence,
  GuestEvent,
  GuestObservation,
  GuestSpec,
  HostDriver,
  HostObservation,
  HostRef,
  ListedGuest,
} from '@bellows/operations/ports/host-driver';
import { Deadline, type Now } from './deadline.js';
import { enrol, release } from './enrolment.js';
import { asDriverError } from './failures.js';
import type { GuestRegistry } from './host-facts.js';
import { observeGuest } from './observe-guest.js';
import { listGuests, observeHost } from './observe-host.js';
import { HostSession } from './session.js';
import { ensureAbsent, ensureStarted, ensureStopped, ensureVolumes } from './verbs-of-life.js';
import { ensureDiskGib, ensureLimits, ensureMemory, ensureVcpus, type Limits } from './verbs-of-size.js';

export interface LibvirtDriverOptions {
  readonly now?: Now;
  /** For verbs that bring no deadline, in ms. */
  readonly defaultMs?: number;
  /** Guests of one host that boot at once; by default 2 under software emulation, 8 under KVM. */
  readonly bootingAtOnce?: number;
  /** How long a guest that says nothing counts as booting, in ms. */
  readonly bootMs?: number;
  /** Told to every guest as it starts. */
  readonly registry?: GuestRegistry;
}

/** Physical servers that run libvirt. Keeps connections, and no state that a crash could lose. */
export class LibvirtDriver implements HostDriver {
  private readonly sessions = new Map<string, HostSession>();
  private readonly now: Now;
  private readonly defaultMs: number;

  constructor(private readonly options: LibvirtDriverOptions = {}) {
    this.now = options.now ?? Date.now;
    this.defaultMs = options.defaultMs ?? 15_000;
  }

  observeHost(host: HostRef): Promise<HostObservation> {
    return this.unfenced(host, 'observeHost', (session, deadline) => observeHost(session, deadline));
  }

  ensureEnrolled(host: HostRef, controllerId: string): Promise<void> {
    return this.unfenced(host, 'ensureEnrolled', async (session, deadline) =>
      enrol(await session.connection('control', deadline), controllerId, deadline),
    );
  }

  ensureReleased(host: HostRef, controllerId: string): Promise<void> {
    return this.unfenced(host, 'ensureReleased', async (session, deadline) =>
      release(await session.connection('control', deadline), controllerId, deadline),
    );
  }

  ensureVolumes(host: HostRef, fence: Fence, spec: GuestSpec): Promise<void> {
    return this.fenced(host, fence, 'ensureVolumes', (session, deadline) =>
      ensureVolumes(session, fence, spec, deadline),
    );
  }

  ensureStarted(host: HostRef, fence: Fence, spec: GuestSpec): Promise<void> {
    return this.fenced(host, fence, 'ensureStarted', (session, deadline) =>
      ensureStarted(session, fence, spec, deadline),
    );
  }

  ensureStopped(host: HostRef, fence: Fence, graceMs: number): Promise<void> {
    return this.fenced(host, fence, 'ensureStopped', (session, deadline) =>
      ensureStopped(session, fence, graceMs, deadline),
    );
  }

  ensureAbsent(host: HostRef, fence: Fence): Promise<void> {
    return this.fenced(host, fence, 'ensureAbsent', (session, deadline) =>
      ensureAbsent(session, fence, deadline),
    );
  }

  ensureLimits(host: HostRef, fence: Fence, limits: Limits): Promise<void> {
    return this.fenced(host, fence, 'ensureLimits', (session, deadline) =>
      ensureLimits(session, fence, limits, deadline),
    );
  }

  ensureMemory(host: HostRef, fence: Fence, ramMib: number): Promise<void> {
    return this.fenced(host, fence, 'ensureMemory', (session, deadline) =>
      ensureMemory(session, fence, ramMib, deadline),
    );
  }

  ensureVcpus(host: HostRef, fence: Fence, vcpus: number): Promise<void> {
    return this.fenced(host, fence, 'ensureVcpus', (session, deadline) =>
      ensureVcpus(session, fence, vcpus, deadline),
    );
  }

  ensureDiskGib(host: HostRef, fence: Fence, diskGib: number): Promise<void> {
    return this.fenced(host, fence, 'ensureDiskGib', (session, deadline) =>
      ensureDiskGib(session, fence, diskGib, deadline),
    );
  }

  observeGuest(
    host: HostRef,
    instanceId: InstanceId,
    options: { askGuest?: boolean; deadline?: number } = {},
  ): Promise<GuestObservation> {
    const deadline = new Deadline(options.deadline ?? this.now() + this.defaultMs, this.now);
    return this.run(host, 'observeGuest', deadline, (session) =>
      observeGuest(session, instanceId, { askGuest: options.askGuest ?? false }, deadline),
    );
  }

  listGuests(host: HostRef): Promise<ListedGuest[]> {
    return this.unfenced(host, 'listGuests', (session, deadline) => listGuests(session, deadline));
  }

  watch(host: HostRef, listener: (event: GuestEvent) => void): { close(): void } {
    return this.session(host).events.listen(listener);
  }

  async close(): Promise<void> {
    const sessions = [...this.sessions.values()];
    this.sessions.clear();
    await Promise.all(sessions.map((session) => session.close()));
  }

  private session({ uri }: HostRef): HostSession {
    let session = this.sessions.get(uri);
    if (!session) {
      const { bootingAtOnce, bootMs = 60_000, registry } = this.options;
      session = new HostSession(uri, { now: this.now, bootingAtOnce, bootMs, registry });
      this.sessions.set(uri, session);
    }
    return session;
  }

  private unfenced<T>(
    host: HostRef,
    verb: string,
    body: (session: HostSession, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    return this.run(host, verb, Deadline.after(this.defaultMs, this.now), body);
  }

  private fenced<T>(
    host: HostRef,
    fence: Fence,
    verb: string,
    body: (session: HostSession, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    return this.run(host, verb, new Deadline(fence.deadline, this.now), body);
  }

  private async run<T>(
    host: HostRef,
    verb: string,
    deadline: Deadline,
    body: (session: HostSession, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    try {
      deadline.call(verb);
      return await body(this.session(host), deadline);
    } catch (error) {
      throw asDriverError(error, verb, deadline);
    }
  }
}
