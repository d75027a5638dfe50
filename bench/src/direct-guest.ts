import { Connection } from '@bellows/node-libvirt/connection';
import { DomainAffect } from '@bellows/node-libvirt/flags';
import type { Domain } from '@bellows/node-libvirt/types';

const blockMib = 128;
const periodUs = 100_000;
const firstLookMs = 10;
const longestLookMs = 500;

/** A resize made by hand with the libvirt client: the same calls in the same order, and nothing in between. */
export class DirectGuest {
  private constructor(
    private readonly connection: Connection,
    private readonly domain: Domain,
    private readonly bootMib: number,
    private readonly overheadMib: number,
  ) {}

  static async of(name: string, bootMib: number): Promise<DirectGuest> {
    const connection = await Connection.open('qemu:///system');
    const domain = await connection.domainLookupByName(name);
    const { hard_limit: limitKib } = await connection.domainGetMemoryParameters(domain, DomainAffect.LIVE);
    return new DirectGuest(connection, domain, bootMib, Number(limitKib) / 1024 - bootMib);
  }

  /** @returns milliseconds until the guest itself had confirmed. */
  async grow(vcpus: number, ramMib: number): Promise<number> {
    const began = performance.now();
    await this.limit(vcpus, ramMib);
    await this.request(ramMib);
    await this.online(vcpus);
    await until(
      async () => (await this.onlineCpus()) >= vcpus && (await this.onlineMib()) >= ramMib - blockMib,
    );
    return performance.now() - began;
  }

  async shrink(vcpus: number, ramMib: number): Promise<number> {
    const began = performance.now();
    await this.online(vcpus);
    await this.request(ramMib);
    await until(async () => this.bootMib + (await this.pluggedMib()) <= ramMib);
    await this.limit(vcpus, ramMib);
    return performance.now() - began;
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async limit(vcpus: number, ramMib: number): Promise<void> {
    const { connection, domain } = this;
    await Promise.all([
      connection.domainSetMemoryParameters(
        domain,
        { hard_limit: (ramMib + this.overheadMib) * 1024 },
        DomainAffect.LIVE,
      ),
      connection.domainSetSchedulerParametersFlags(
        domain,
        { global_period: periodUs, global_quota: vcpus * periodUs },
        DomainAffect.LIVE | DomainAffect.CONFIG,
      ),
    ]);
  }

  private async request(ramMib: number): Promise<void> {
    const device = (await this.device()).replace(
      /<requested unit='KiB'>\d+<\/requested>/,
      `<requested unit='KiB'>${(ramMib - this.bootMib) * 1024}</requested>`,
    );
    await this.connection.domainUpdateDeviceFlags(this.domain, device, DomainAffect.LIVE);
  }

  private async device(): Promise<string> {
    const xml = await this.connection.domainGetXMLDesc(this.domain, 0);
    const found = /<memory model='virtio-mem'[\s\S]*?<\/memory>/.exec(xml);
    if (!found) throw new Error('the guest has no virtio-mem device');
    return found[0];
  }

  private async pluggedMib(): Promise<number> {
    return Number(/<current unit='KiB'>(\d+)<\/current>/.exec(await this.device())?.[1]) / 1024;
  }

  private async online(vcpus: number): Promise<void> {
    const known = (await this.agent('guest-get-vcpus')) as { 'logical-id': number; online: boolean }[];
    const changes = known
      .map((vcpu) => ({
        'logical-id': vcpu['logical-id'],
        online: vcpu['logical-id'] < vcpus,
        was: vcpu.online,
      }))
      .filter(({ online, was }) => online !== was)
      .map(({ was: _was, ...change }) => change);
    if (changes.length > 0) await this.agent('guest-set-vcpus', { vcpus: changes });
  }

  private async onlineCpus(): Promise<number> {
    return ((await this.agent('guest-get-vcpus')) as { online: boolean }[]).filter(({ online }) => online)
      .length;
  }

  private async onlineMib(): Promise<number> {
    return (
      ((await this.agent('guest-get-memory-blocks')) as { online: boolean }[]).filter(({ online }) => online)
        .length * blockMib
    );
  }

  private async agent(execute: string, args?: object): Promise<unknown> {
    const command = JSON.stringify({ execute, ...(args && { arguments: args }) });
    return (
      JSON.parse((await this.connection.domainQemuAgentCommand(this.domain, command, 10))!) as {
        return: unknown;
      }
    ).return;
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  for (let pause = firstLookMs; !(await done()); pause = Math.min(pause * 1.3, longestLookMs)) {
    if (performance.now() > end) throw new Error('the guest did not get there within a minute');
    await new Promise((go) => setTimeout(go, pause));
  }
}
