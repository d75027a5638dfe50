import type { HostId, InstanceId } from '@bellows/domain/ids';
import type { Size } from '@bellows/domain/size';

export type DriverName = 'sim' | 'libvirt';

/** How to reach a physical server. */
export interface HostRef {
  readonly id: HostId;
  readonly driver: DriverName;
  /** `qemu:///system`, `qemu+tls://host/system`, or for a modelled server `sim:NAME`. */
  readonly uri: string;
}

/**
 * The right to act on an instance, for a while. A verb refuses (`StaleFenceError`) when the guest carries a
 * higher token, and gives up (`DeadlineError`) rather than take effect after `deadline`.
 */
export interface Fence {
  readonly controllerId: string;
  readonly instanceId: InstanceId;
  /** Grows with every lease taken on any operation. */
  readonly token: number;
  /** Milliseconds since the epoch; always before the lease ends. */
  readonly deadline: number;
}

export interface GuestNic {
  /** `52:54:00:…`, lower case. */
  readonly mac: string;
  /** Name of the tap on the host, at most 15 characters. */
  readonly tap: string;
  readonly privateAddress: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly nameservers: readonly string[];
  /** 1:1 with `privateAddress`; null when the instance has none. */
  readonly publicAddress: string | null;
}

/** Everything a driver needs to make a guest; fixed before the first effect, kept in the operation's plan. */
export interface GuestSpec {
  readonly instanceId: InstanceId;
  readonly hostname: string;
  /** Name of the base image in the host's storage pool. */
  readonly image: string;
  /** From the database, never probed. */
  readonly diskFormat: 'raw' | 'qcow2';
  /** What the guest is to have after boot. */
  readonly size: Size;
  /** What it boots with before anything is plugged; and what can be plugged at most. */
  readonly floor: { readonly vcpus: number; readonly ramMib: number };
  readonly ceiling: { readonly vcpus: number; readonly ramMib: number };
  readonly nic: GuestNic;
  readonly sshKeys: readonly string[];
  readonly userData: string | null;
}

export type GuestPower = 'running' | 'paused' | 'stopped' | 'absent';

/** What the guest's agent said. Hostile input: it can confirm growth, and nothing else. */
export interface GuestReport {
  /** CPUs online. */
  readonly vcpus: number;
  /** Boot memory plus plugged memory that the guest has brought online. */
  readonly ramMib: number;
}

export interface GuestObservation {
  readonly power: GuestPower;
  /** The highest fence token that has acted on it; null when absent. */
  readonly fence: number | null;
  /** What the host enforces now: CPU quota and memory limit less overhead; the disk as the hypervisor has it. */
  readonly held: Size;
  /** What the hypervisor has plugged: boot memory plus virtio-mem `current`. Never above what it allows. */
  readonly plugged: { readonly vcpus: number; readonly ramMib: number };
  /** What was asked of virtio-mem plus boot memory. */
  readonly requestedRamMib: number;
  /** Null when the agent is silent, gone, or answered nonsense. */
  readonly guest: GuestReport | null;
}

export interface HostObservation {
  /** Physical: CPUs, MiB of memory, GiB in the storage pool. */
  readonly physical: Size;
  /** What guests that Bellows did not make use. */
  readonly foreign: Size;
  /** What the hypervisor itself needs for each guest, claimed beside the guest's memory. */
  readonly guestOverheadMib: number;
  /** Controller that enrolled it; null when none has. */
  readonly owner: string | null;
  readonly version: string;
  readonly images: readonly string[];
}

/** A guest as a listing shows it; `controllerId` null marks a foreign one. */
export interface ListedGuest {
  readonly instanceId: InstanceId | null;
  readonly controllerId: string | null;
  readonly power: GuestPower;
}

export type GuestEventKind = 'started' | 'stopped' | 'reset' | 'memory-changed' | 'agent-connected';
export interface GuestEvent {
  readonly instanceId: InstanceId;
  readonly kind: GuestEventKind;
}

/**
 * One physical server, real or modelled. Every verb is an *ensure*: idempotent, safe to repeat after a crash
 * half way, and it touches only guests that carry our controller id. All drivers pass `host-driver.contract.ts`.
 * Failures are thrown as the errors of `driver-errors.ts`.
 */
export interface HostDriver {
  observeHost(host: HostRef): Promise<HostObservation>;
  /** Leaves the controller's mark. Throws `ForeignOwnerError` when another controller's is there. */
  ensureEnrolled(host: HostRef, controllerId: string): Promise<void>;
  ensureReleased(host: HostRef, controllerId: string): Promise<void>;

  /** Disk (from the image, grown to `spec.size.diskGib`) and seed; a disk that exists is kept as it is. */
  ensureVolumes(host: HostRef, fence: Fence, spec: GuestSpec): Promise<void>;
  /** Defined and running, with `spec.size` enforced. Returns when the hypervisor runs it, not when it has booted. */
  ensureStarted(host: HostRef, fence: Fence, spec: GuestSpec): Promise<void>;
  /** Asks politely (ACPI) when `graceMs` > 0 and pulls the plug after that; never needs the agent. */
  ensureStopped(host: HostRef, fence: Fence, graceMs: number): Promise<void>;
  /** No domain, no disk, no seed, no network rule is left. */
  ensureAbsent(host: HostRef, fence: Fence): Promise<void>;

  /** CPU quota and memory limit (plus overhead) of a running guest: what `held` means. */
  ensureLimits(host: HostRef, fence: Fence, limits: { vcpus: number; ramMib: number }): Promise<void>;
  /**
   * Asks for this much memory (boot plus plugged); the guest takes or gives it in its own time. A shrink may at first
   * ask for less than that, as much as the guest can spare: ask again until `plugged` is there.
   */
  ensureMemory(host: HostRef, fence: Fence, ramMib: number): Promise<void>;
  /** Plugs and onlines, or offlines, vCPUs; offlining is the guest's favour, the quota is the law. */
  ensureVcpus(host: HostRef, fence: Fence, vcpus: number): Promise<void>;
  /** Grows the disk, running or not. Throws when asked to shrink. */
  ensureDiskGib(host: HostRef, fence: Fence, diskGib: number): Promise<void>;

  observeGuest(
    host: HostRef,
    instanceId: InstanceId,
    options?: { askGuest?: boolean; deadline?: number },
  ): Promise<GuestObservation>;
  listGuests(host: HostRef): Promise<ListedGuest[]>;
  /** Calls back until closed; reconnects by itself, and may lose events while it does. */
  watch(host: HostRef, listener: (event: GuestEvent) => void): { close(): void };
  close(): Promise<void>;
}

/** The drivers a process has, by name. */
export type HostDrivers = Readonly<Partial<Record<DriverName, HostDriver>>>;
