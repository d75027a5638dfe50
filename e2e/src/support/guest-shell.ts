import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** The lab's "internet", made by infra/host/netns-lab.sh. */
const outside = ['ip', 'netns', 'exec', 'bellows-internet'] as const;

export async function makeSshKey(): Promise<{ path: string; publicKey: string }> {
  const path = join(await mkdtemp(join(tmpdir(), 'bellows-key-')), 'id');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'e2e', '-f', path]);
  return { path, publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() };
}

/** A shell in the guest, reached as its owner reaches it: by SSH to its public address, from outside. */
export class GuestShell {
  constructor(
    private readonly address: string,
    private readonly keyPath: string,
    private readonly user = 'root',
  ) {}

  async run(script: string, timeoutMs = 60_000): Promise<string> {
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'LogLevel=ERROR',
      'ConnectTimeout=15',
      'BatchMode=yes',
    ];
    const args = [
      'ssh',
      '-i',
      this.keyPath,
      ...options.flatMap((option) => ['-o', option]),
      `${this.user}@${this.address}`,
      script,
    ];
    const { stdout } = await run(outside[0], [...outside.slice(1), ...args], {
      timeout: timeoutMs,
      maxBuffer: 1 << 20,
    });
    return stdout.trim();
  }

  /** SSH may come up a moment after the agent. */
  async reachable(limitMs = 120_000): Promise<void> {
    for (const until = Date.now() + limitMs; ; await sleep(1_000)) {
      try {
        await this.run('true', 20_000);
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
      }
    }
  }

  async facts(): Promise<GuestFacts> {
    const out = await this.run(
      "nproc; awk '/MemTotal/{print $2}' /proc/meminfo; cat /proc/sys/kernel/random/boot_id; cat /run/counter 2>/dev/null || echo 0; hostname; uname -r",
    );
    const [cpus, memTotalKib, bootId, counter, hostname, kernel] = out.split('\n') as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    return {
      cpus: Number(cpus),
      memTotalMib: Math.round(Number(memTotalKib) / 1024),
      bootId,
      counter: Number(counter),
      hostname,
      kernel,
    };
  }

  /** A process that counts and never stops: what a resize must not disturb. */
  async startCounter(): Promise<void> {
    await this.run(
      "setsid sh -c 'i=0; while :; do i=$((i+1)); echo $i > /run/counter.new; mv /run/counter.new /run/counter; sleep 0.2; done' > /dev/null 2>&1 < /dev/null &",
    );
  }
}

export interface GuestFacts {
  readonly cpus: number;
  readonly memTotalMib: number;
  readonly bootId: string;
  readonly counter: number;
  readonly hostname: string;
  readonly kernel: string;
}

export async function answersFromOutside(address: string): Promise<boolean> {
  return run(outside[0], [...outside.slice(1), 'ping', '-c', '2', '-W', '5', address]).then(
    () => true,
    () => false,
  );
}
