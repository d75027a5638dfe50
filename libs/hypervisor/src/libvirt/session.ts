import { Connection } from '@bellows/node-libvirt/connection';
import { isNoStorageVol } from '@bellows/node-libvirt/errors';
import type { StoragePool } from '@bellows/node-libvirt/types';
import { HostUnreachableError, HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';
import { GuestAgents } from './agent/guest-agents.js';
import { BootSlots } from './boot-slots.js';
import type { Deadline, Now } from './deadline.js';
import { EventHub } from './events.js';
import {
  hostFactsVolume,
  parseHostFacts,
  poolName,
  type GuestRegistry,
  type HostFacts,
} from './host-facts.js';
import { at, readXml } from './xml/read.js';

/**
 * libvirtd serves only a few calls of one connection at a time. Copying disks and waiting for guests must not
 * hold up the rest, and what a hostile guest's answer does to a connection must hit no other call.
 */
export type Lane = 'control' | 'bulk' | 'agent';

export interface HostStorage {
  readonly pool: StoragePool;
  /** Folder of the volumes on the host. */
  readonly path: string;
}

export interface SessionSettings {
  readonly now: Now;
  /** Guests that boot at once; by default 2 under software emulation. */
  readonly bootingAtOnce?: number;
  /** How long a guest that says nothing counts as booting, in ms. */
  readonly bootMs: number;
  readonly registry?: GuestRegistry;
}

const maxFactsBytes = 64 * 1024;

/** Everything the driver keeps of one host. Nothing of it is state that must survive. */
export class HostSession {
  readonly agents: GuestAgents;
  readonly events = new EventHub(() => this.connection('control'));
  private readonly lanes = new Map<Lane, Promise<Connection>>();
  private known: Promise<{ facts: HostFacts; storage: HostStorage; boots: BootSlots }> | null = null;
  private closed = false;

  constructor(
    readonly uri: string,
    private readonly settings: SessionSettings,
  ) {
    this.agents = new GuestAgents(() => this.connection('agent'), settings.now);
  }

  /** Opens, or waits for the opening that is under way. */
  async connection(lane: Lane, deadline?: Deadline): Promise<Connection> {
    if (this.closed) throw new HostUnreachableError('the driver is closed');
    let opening = this.lanes.get(lane);
    if (!opening) {
      opening = this.open(lane);
      this.lanes.set(lane, opening);
    }
    return deadline ? deadline.race(`connect to ${this.uri}`, opening) : opening;
  }

  /** What the host's installation said, and where its volumes are; read once. */
  async about(deadline: Deadline): Promise<{ facts: HostFacts; storage: HostStorage; boots: BootSlots }> {
    if (!this.known) {
      const reading = this.read(deadline);
      this.known = reading;
      reading.catch(() => (this.known = null));
    }
    return deadline.race('read the host', this.known);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.events.close();
    if (this.known) await this.known.then(({ boots }) => boots.close()).catch(() => undefined);
    await Promise.allSettled([...this.lanes.values()].map(async (lane) => (await lane).close()));
  }

  private open(lane: Lane): Promise<Connection> {
    const opening = Connection.open(this.uri, { timeoutMs: 10_000, reconnecting: true });
    const drop = (): void => {
      if (this.lanes.get(lane) === opening) this.lanes.delete(lane);
    };
    opening.then((connection) => connection.once('closed', drop), drop);
    return opening;
  }

  private async read(
    deadline: Deadline,
  ): Promise<{ facts: HostFacts; storage: HostStorage; boots: BootSlots }> {
    const connection = await this.connection('control', deadline);
    const pool = await connection.storagePoolLookupByName(poolName, deadline.call('look up the pool'));
    const xml = await connection.storagePoolGetXMLDesc(pool, 0, deadline.call('read the pool'));
    const path = at(readXml(xml), 'target', 'path')?.text;
    if (!path) throw new HypervisorRefusedError(`pool ${poolName} has no folder`);
    const { registry } = this.settings;
    const said = parseHostFacts(await this.readFacts(connection, pool, deadline));
    const facts = { ...said, ...(registry && { registry }) };
    const atOnce = this.settings.bootingAtOnce ?? (facts.virtType === 'kvm' ? 8 : 2);
    return { facts, storage: { pool, path }, boots: this.bootSlots(atOnce) };
  }

  private bootSlots(atOnce: number): BootSlots {
    const boots = new BootSlots(atOnce, this.settings.bootMs);
    this.events.listen(({ kind, instanceId }) => {
      if (kind === 'agent-connected' || kind === 'stopped') boots.settle(instanceId);
      if (kind !== 'memory-changed') this.agents.forget(instanceId);
    });
    return boots;
  }

  private async readFacts(
    connection: Connection,
    pool: StoragePool,
    deadline: Deadline,
  ): Promise<string | null> {
    try {
      const volume = await connection.storageVolLookupByName(
        pool,
        hostFactsVolume,
        deadline.call('read the host'),
      );
      const stream = await connection.storageVolDownload(
        volume,
        0,
        maxFactsBytes,
        0,
        deadline.call('read the host'),
      );
      const parts: Buffer[] = [];
      for await (const part of stream) parts.push(part as Buffer);
      return Buffer.concat(parts).toString('utf8');
    } catch (error) {
      if (isNoStorageVol(error)) return null;
      throw error;
    }
  }
}
