import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, startCloud, type TestCloud } from './support/cloud.js';
import { freeHost, run } from './support/host.js';

/** Runs the shell blocks of docs/tutorial as they are printed there: two real guests, the registry, stock docker. */
describe('the tutorial', () => {
  let cloud: TestCloud;
  let folder = '';
  const said: Record<string, string> = {};

  beforeAll(async () => {
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'up']);
    await freeHost();
    // The port that guests are let through to; were it taken, this fails and says so.
    cloud = await startCloud({ hosts: 'libvirt:qemu:///system', env: { BELLOWS_REGISTRY_PORT: '5000' } });
    await run('sh', [`${root}/infra/images/build.sh`, 'busybox', 'python:3.9'], { timeout: 400_000 });
    const registry = join(cloud.home, 'registry');
    await run(
      'sh',
      [`${root}/infra/images/seed.sh`, '--cacert', join(registry, 'ca.pem'), 'https://127.0.0.1:5000'],
      {
        timeout: 120_000,
        env: { ...process.env, BELLOWS_HOME: cloud.home },
      },
    );
    // The reader's folder: the repository, with this cloud's home in it.
    folder = await mkdtemp(join(tmpdir(), 'bellows tutorial '));
    await symlink(cloud.home, join(folder, '.bellows'));
    for (const name of ['node_modules', 'docs']) await symlink(join(root, name), join(folder, name));
  }, 600_000);

  afterAll(async () => {
    if (!cloud) return;
    const { body } = await cloud.call('GET', '/v1/instances');
    for (const { id } of body.items)
      await cloud.call('DELETE', `/v1/instances/${id}`).then(
        (answer) => cloud.ended(answer),
        () => null,
      );
    const { body: hosts } = await cloud.call('GET', '/v1/hosts');
    for (const { id } of hosts.items) await cloud.call('DELETE', `/v1/hosts/${id}`);
    await cloud.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'down']);
  }, 240_000);

  /** The blocks of all chapters, in one session of bash; what each chapter said is kept by its number. */
  async function follow(): Promise<number | null> {
    const text = await readFile(join(root, 'docs/tutorial/README.md'), 'utf8');
    const chapters = text.split(/^## /m).slice(1);
    const script = chapters
      .map((chapter) => {
        const blocks = [...chapter.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
        return [`echo '@@ ${chapter.slice(0, 1)}'`, ...blocks].join('\n');
      })
      .join('\n');
    const { port } = new URL(cloud.url);
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        BELLOWS_PORT: port,
        BELLOWS_HOME: join(folder, '.bellows'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    const began = Date.now();
    for (const stream of [shell.stdout, shell.stderr])
      stream.on('data', (chunk) => {
        out += String(chunk);
        const seconds = ((Date.now() - began) / 1000).toFixed(0).padStart(5);
        process.stdout.write(String(chunk).replace(/^(?=.)/gm, `${seconds} s  `));
      });
    const code = await new Promise<number | null>((done) => shell.on('close', done));
    for (const part of out.split('@@ ').slice(1)) said[part[0]!] = part.slice(1);
    return code;
  }

  it('works as written, from a Dockerfile to a public address', async () => {
    expect(await follow()).toBe(0);
  }, 1_200_000);

  it('built with pip, pushed, pulled on the other instance, and the app answered', () => {
    expect(said['2']).toMatch(/Successfully installed/);
    expect(said['3']).toMatch(/digest: sha256:[0-9a-f]{64}/);
    expect(said['3']).toContain('"hostname": "hello-1"');
    expect(said['3']).toMatch(/"pid": 1\b/);
    expect(said['3']).toContain('"memory.max": "100663296"');
  });

  it('showed namespaces: an own process 1, host name and file system', () => {
    const [inside, guest] = said['4']!.split('in the guest:');
    expect(inside).toMatch(/python app\.py\s+hello-1\s+11\./);
    expect(guest).toMatch(/python app\.py\s+two\s+12\./);
  });

  it('showed cgroups: a share of the processor, and an OOM kill', () => {
    const share = Number(/share of a processor: ([\d.]+)/.exec(said['5']!)?.[1]);
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
    expect(said['5']).toMatch(/exit code 137\nOOMKilled: true/);
    expect(said['5']).toContain('134217728');
  });

  it('showed the kernel that containers share with their guest, and with no other', () => {
    const ids = [...said['6']!.matchAll(/: +([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/gm)].map(
      ([, id]) => id!,
    );
    expect(ids).toHaveLength(4);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).toBe(ids[3]);
    expect(ids[0]).not.toBe(ids[2]);
  });

  it('showed a running container the larger size', () => {
    const containers = [...said['7']!.matchAll(/container: (\d) CPUs/g)].map(([, cpus]) => Number(cpus));
    const engines = [...said['7']!.matchAll(/engine: +(\d) CPUs/g)].map(([, cpus]) => Number(cpus));
    expect(containers).toEqual([1, 2]);
    expect(engines).toEqual([1, 2]);
    const since = [...said['7']!.matchAll(/up since (\S+), restarted 0 times/g)].map(([, at]) => at!);
    expect(since).toHaveLength(2);
    expect(since[0]).toBe(since[1]);
    const [first, second] = [...said['7']!.matchAll(/counted to (\d+)/g)].map(([, count]) => Number(count));
    expect(second).toBeGreaterThan(first!);
  });
});
