import type { Connection } from '@bellows/node-libvirt/connection';
import type { Domain } from '@bellows/node-libvirt/types';
import type { GuestReport } from '@bellows/operations/ports/host-driver';
import type { Deadline, Now } from '../deadline.js';
import { readAnswer, readBlockMib, readOnlineBlocks, readVcpus, vcpuChanges } from './answer.js';

/** One exchange with a guest, however many commands it takes. */
const exchangeMs = 5_000;
const firstPauseMs = 250;
const longestPauseMs = 30_000;
const rechecksMs = [100, 200, 400] as const;

interface Guest {
  /** Everything we ask of it, one after the other. */
  queue: Promise<unknown>;
  report: Promise<GuestReport | null> | null;
  failures: number;
  /** It failed, and is left alone until then. */
  quietUntil: number;
  blockMib: number | null;
}

/**
 * Talks to qemu-guest-agent, which belongs to the guest's owner: one exchange at a time for each guest, each with
 * an end, and one that fails is asked less and less often. Nothing a guest answers makes anything here throw.
 */
export class GuestAgents {
  private readonly guests = new Map<string, Guest>();

  constructor(
    private readonly connection: () => Promise<Connection>,
    private readonly now: Now,
  ) {}

  /** Null: it is silent, talks nonsense, or was asked in vain too often of late. */
  report(domain: Domain, deadline: Deadline): Promise<GuestReport | null> {
    const guest = this.guestOf(domain.name);
    if (this.now() < guest.quietUntil) return Promise.resolve(null);
    guest.report ??= this.exchange(guest, deadline, (call) => this.askSize(domain, guest, call)).finally(
      () => {
        guest.report = null;
      },
    );
    return deadline.race('ask the guest', guest.report).catch(() => null);
  }

  /**
   * Switches CPUs inside the guest so that `wanted` are online, as far as it does us the favour. A guest's own rule
   * that brings hot-plugged CPUs online may be late and undo it: then it is done once more.
   */
  async switchVcpus(domain: Domain, wanted: number, deadline: Deadline): Promise<void> {
    const guest = this.guestOf(domain.name);
    // One failure does not keep a change of size from being tried; a guest that is known to be mute does.
    if (this.now() < guest.quietUntil && guest.failures > 1) return;
    await this.exchange(guest, deadline, async (call) => {
      for (const pauseMs of rechecksMs) {
        const vcpus = readVcpus(await this.command(domain, { execute: 'guest-get-vcpus' }, call));
        const changes = vcpuChanges(vcpus, wanted);
        if (changes.length === 0) return;
        await this.command(domain, { execute: 'guest-set-vcpus', arguments: { vcpus: changes } }, call);
        if (changes.every(({ online }) => online)) return;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    });
  }

  /** It started, stopped, was reset or its agent has just connected: what we knew of it is of no more use. */
  forget(name: string): void {
    const guest = this.guests.get(name);
    if (!guest) return;
    guest.failures = 0;
    guest.quietUntil = 0;
    guest.blockMib = null;
    if (!guest.report) this.guests.delete(name);
  }

  private guestOf(name: string): Guest {
    let guest = this.guests.get(name);
    if (!guest) {
      guest = { queue: Promise.resolve(), report: null, failures: 0, quietUntil: 0, blockMib: null };
      this.guests.set(name, guest);
    }
    return guest;
  }

  private exchange<T>(
    guest: Guest,
    deadline: Deadline,
    body: (deadline: Deadline) => Promise<T>,
  ): Promise<T | null> {
    const turn = guest.queue.then(async () => {
      const limit = deadline.within(exchangeMs);
      try {
        const result = await limit.race('ask the guest', body(limit));
        guest.failures = 0;
        return result;
      } catch {
        const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(guest.failures++, 16));
        guest.quietUntil = this.now() + pause;
        return null;
      }
    });
    guest.queue = turn;
    return turn;
  }

  private async askSize(domain: Domain, guest: Guest, deadline: Deadline): Promise<GuestReport> {
    const ask = (execute: string): Promise<unknown> => this.command(domain, { execute }, deadline);
    const online = readVcpus(await ask('guest-get-vcpus')).filter((vcpu) => vcpu.online).length;
    guest.blockMib ??= readBlockMib(await ask('guest-get-memory-block-info'));
    const ramMib = readOnlineBlocks(await ask('guest-get-memory-blocks')) * guest.blockMib;
    return { vcpus: online, ramMib };
  }

  private async command(domain: Domain, command: object, deadline: Deadline): Promise<unknown> {
    const connection = await this.connection();
    const options = deadline.call('ask the guest');
    const seconds = Math.max(1, Math.ceil(options.timeoutMs / 1000));
    return readAnswer(
      await connection.domainQemuAgentCommand(domain, JSON.stringify(command), seconds, 0, options),
    );
  }
}
