import type { InstanceId } from '@bellows/domain/ids';
import type { Size } from '@bellows/domain/size';
import { DeadlineError } from '@bellows/operations/ports/driver-errors';
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
import { withSaneReport } from './agent-report.js';
import type { Faults } from './faults.js';
import { FleetClient, type FleetAddress } from './fleet-client.js';
import type { VerbRequest } from './fleet-protocol.js';
import { FleetWatch } from './fleet-watch.js';
import type { GuestVerb } from './guest-verbs.js';
import { hostName, hostUri } from './host-uri.js';
import type { HostInventory, HostSpec } from './model-host.js';

/** How long a call that has no deadline of its own may take. */
const patienceMs = 10_000;
/** The fleet itself answers by the deadline; this is for the way back. */
const wayBackMs = 1_000;

/** The driver of modelled servers: a client of the fleet process. */
export class SimDriver implements HostDriver {
  private readonly client: FleetClient;
  private readonly watching: FleetWatch;

  constructor(
    address: FleetAddress,
    private readonly now: () => number = Date.now,
  ) {
    this.client = new FleetClient(address);
    this.watching = new FleetWatch(this.client);
  }

  /**
   * Makes a modelled server, or tells its capacity anew; for enrolment.
   * @returns the uri of its `HostRef`.
   */
  async registerHost(spec: HostSpec): Promise<string> {
    await this.client.call('PUT', '/v1/hosts', spec, patienceMs);
    return hostUri(spec.name);
  }

  /** @throws HypervisorRefusedError while a guest or a disk lies on it. */
  async removeHost(name: string): Promise<void> {
    await this.client.call('DELETE', `/v1/hosts/${encodeURIComponent(name)}`, undefined, patienceMs);
  }

  observeHost(host: HostRef): Promise<HostObservation> {
    return this.ask('/v1/observe-host', { host: hostName(host) });
  }

  ensureEnrolled(host: HostRef, controllerId: string): Promise<void> {
    return this.ask('/v1/enrol', { host: hostName(host), controllerId });
  }

  ensureReleased(host: HostRef, controllerId: string): Promise<void> {
    return this.ask('/v1/release', { host: hostName(host), controllerId });
  }

  ensureVolumes(host: HostRef, fence: Fence, spec: GuestSpec): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureVolumes', spec });
  }

  ensureStarted(host: HostRef, fence: Fence, spec: GuestSpec): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureStarted', spec });
  }

  ensureStopped(host: HostRef, fence: Fence, graceMs: number): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureStopped', graceMs });
  }

  ensureAbsent(host: HostRef, fence: Fence): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureAbsent' });
  }

  ensureLimits(host: HostRef, fence: Fence, limits: { vcpus: number; ramMib: number }): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureLimits', limits });
  }

  ensureMemory(host: HostRef, fence: Fence, ramMib: number): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureMemory', ramMib });
  }

  ensureVcpus(host: HostRef, fence: Fence, vcpus: number): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureVcpus', vcpus });
  }

  ensureDiskGib(host: HostRef, fence: Fence, diskGib: number): Promise<void> {
    return this.perform(host, fence, { verb: 'ensureDiskGib', diskGib });
  }

  async observeGuest(
    host: HostRef,
    instanceId: InstanceId,
    options: { askGuest?: boolean; deadline?: number } = {},
  ): Promise<GuestObservation> {
    const { askGuest = false, deadline } = options;
    const timeoutMs = deadline === undefined ? patienceMs : this.left(deadline, 'observeGuest');
    const body = { host: hostName(host), instanceId, askGuest };
    return withSaneReport(await this.client.call('POST', '/v1/observe', body, timeoutMs));
  }

  /** All of them in one request, for reconcilers. */
  async observeGuests(
    host: HostRef,
    instanceIds: readonly InstanceId[],
    askGuest = false,
  ): Promise<ReadonlyMap<InstanceId, GuestObservation>> {
    const body = { host: hostName(host), instanceIds, askGuest };
    const { guests } = await this.ask<{ guests: Record<InstanceId, GuestObservation> }>(
      '/v1/observe-many',
      body,
    );
    return new Map(instanceIds.map((id) => [id, withSaneReport(guests[id]!)]));
  }

  async listGuests(host: HostRef): Promise<ListedGuest[]> {
    return (await this.ask<{ guests: ListedGuest[] }>('/v1/list', { host: hostName(host) })).guests;
  }

  watch(host: HostRef, listener: (event: GuestEvent) => void): { close(): void } {
    return this.watching.add(hostName(host), listener);
  }

  async close(): Promise<void> {
    this.watching.close();
    this.client.close();
  }

  /** Every modelled server and what lies on it. */
  async inventory(): Promise<HostInventory[]> {
    return (await this.client.call<{ hosts: HostInventory[] }>('GET', '/v1/hosts', undefined, patienceMs))
      .hosts;
  }

  faults(): Promise<Faults> {
    return this.client.call('GET', '/v1/faults', undefined, patienceMs);
  }

  /** Replaces all faults; `{}` lifts them. */
  setFaults(faults: Partial<Faults>): Promise<Faults> {
    return this.client.call('PUT', '/v1/faults', faults, patienceMs);
  }

  /** The guest reboots from within, unasked. */
  resetGuest(host: HostRef, instanceId: InstanceId): Promise<void> {
    return this.ask('/v1/reset', { host: hostName(host), instanceId });
  }

  /** Puts a guest on the host that no controller (null), or another one, made. */
  addForeignGuest(host: HostRef, instanceId: string, size: Size, controllerId: string | null): Promise<void> {
    return this.ask('/v1/foreign', { host: hostName(host), instanceId, size, controllerId });
  }

  private async perform(host: HostRef, fence: Fence, verb: GuestVerb): Promise<void> {
    const body: VerbRequest = { host: hostName(host), fence, verb };
    await this.client.call('POST', '/v1/perform', body, this.left(fence.deadline, verb.verb));
  }

  private left(deadline: number, what: string): number {
    const left = deadline - this.now();
    if (left <= 0) throw new DeadlineError(`${what}: the deadline has passed`);
    return left + wayBackMs;
  }

  private ask<Value>(path: string, body: unknown): Promise<Value> {
    return this.client.call('POST', path, body, patienceMs);
  }
}
