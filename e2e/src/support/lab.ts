import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, root, startCloud, type TestCloud } from './cloud.js';
import { GuestShell, makeSshKey } from './guest-shell.js';
import { freeHost, run } from './host.js';

const catalogueMs = 2_500;

export interface LabGuest {
  readonly id: string;
  readonly address: string;
  readonly shell: GuestShell;
}

/** A cloud that owns this machine's libvirtd, in zone `lab`, with public addresses that an "outside" can reach. */
export class Lab {
  private constructor(
    readonly cloud: TestCloud,
    readonly hostId: string,
    readonly workerPort: number,
    private readonly key: { path: string; publicKey: string },
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Lab> {
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'up']);
    await freeHost();
    const workerPort = await freePort();
    const cloud = await startCloud({
      hosts: 'sim:1',
      env: { BELLOWS_RATE_LIMIT: '0', BELLOWS_WORKER_PORT: String(workerPort), ...env },
    });
    try {
      const pool = {
        cidr: '203.0.113.128/25',
        gateway: '203.0.113.129',
        kind: 'public',
        mode: 'routed',
        zone: 'lab',
      };
      await accepted(cloud, 'POST', '/v1/ip-pools', pool);
      const server = {
        name: 'lab-1',
        driver: 'libvirt',
        uri: 'qemu:///system',
        zone: 'lab',
        cpuOvercommit: 8,
      };
      const { id } = await accepted(cloud, 'POST', '/v1/hosts', server);
      // The API reads its catalogue of pools anew every few seconds.
      await sleep(catalogueMs);
      return new Lab(cloud, id, workerPort, await makeSshKey());
    } catch (error) {
      await cloud.stop();
      throw error;
    }
  }

  get publicKey(): string {
    return this.key.publicKey;
  }

  async instance(id: string): Promise<any> {
    return (await this.cloud.call('GET', `/v1/instances/${id}`)).body;
  }

  async host(): Promise<any> {
    return (await this.cloud.call('GET', `/v1/hosts/${this.hostId}`)).body;
  }

  /** The interval that is being billed now; null when nothing is. */
  async billed(id: string): Promise<any> {
    const { items } = (await this.cloud.call('GET', '/v1/usage?limit=500')).body;
    return items.find((item: any) => item.instanceId === id && item.until === null)?.held ?? null;
  }

  ask(name: string, more: Record<string, unknown> = {}) {
    return this.cloud.call('POST', '/v1/instances', {
      name,
      plan: 'ecs-1c1g',
      image: 'debian-12-micro',
      zone: 'lab',
      sshKeys: [this.key.publicKey],
      ...more,
    });
  }

  async create(name: string, more: Record<string, unknown> = {}): Promise<LabGuest> {
    const answer = await this.ask(name, more);
    const operation = await this.cloud.ended(answer, 300_000);
    if (operation.state !== 'succeeded') throw new Error(`create: ${JSON.stringify(operation)}`);
    return this.guest(answer.body.instance.id);
  }

  async guest(id: string): Promise<LabGuest> {
    const { addresses } = await this.instance(id);
    const { address } = addresses.find(({ kind }: any) => kind === 'public');
    const shell = new GuestShell(address, this.key.path);
    await shell.reachable();
    return { id, address, shell };
  }

  async act(id: string, action: 'start' | 'stop' | 'reboot', limitMs = 240_000): Promise<any> {
    return this.cloud.ended(await this.cloud.call('POST', `/v1/instances/${id}/actions/${action}`), limitMs);
  }

  async resize(id: string, body: Record<string, unknown>): Promise<any> {
    return this.cloud.ended(await this.cloud.call('POST', `/v1/instances/${id}/resize`, body), 180_000);
  }

  async remove(id: string): Promise<any> {
    const answer = await this.cloud.call('DELETE', `/v1/instances/${id}`);
    return answer.status === 202 ? this.cloud.ended(answer) : answer;
  }

  /** Every instance deleted, the host without an owner, every process ended. */
  async close(): Promise<void> {
    try {
      const { items } = (await this.cloud.call('GET', '/v1/instances?limit=100')).body;
      for (const { id } of items) await this.remove(id);
      await this.cloud.call('DELETE', `/v1/hosts/${this.hostId}`);
    } finally {
      await this.cloud.stop();
      await run('sh', [`${root}/infra/host/netns-lab.sh`, 'down']);
    }
  }
}

async function accepted(cloud: TestCloud, method: string, path: string, body: unknown): Promise<any> {
  const answer = await cloud.call(method, path, body);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
