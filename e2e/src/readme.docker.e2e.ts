import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, startCloud, type TestCloud } from './support/cloud.js';

/** Runs the shell blocks of the README's walk-through as they are printed there, in a folder like the reader's. */
describe("the README's walk-through", () => {
  let cloud: TestCloud;
  let folder: string;
  beforeAll(async () => {
    cloud = await startCloud({ hosts: 'sim:8' });
    folder = await mkdtemp(join(tmpdir(), 'bellows readme '));
    await symlink(cloud.home, join(folder, '.bellows'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    // An error of the API is an error of the command; the reader would see it.
    await writeFile(join(folder, '.curlrc'), 'fail-with-body\n');
  }, 180_000);
  afterAll(async () => {
    await cloud?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 90_000);

  async function blocks(): Promise<string[]> {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const section = readme.split(/^## /m).find((text) => text.startsWith('Walk through it'))!;
    return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
  }

  /** Only the port is another: the tests' cloud must not stand in the way of one that runs on 3000. */
  function run(script: string): Promise<{ code: number | null; out: string }> {
    const { port } = new URL(cloud.url);
    const shell = spawn('bash', ['-euxo', 'pipefail', '-c', script.replaceAll(':3000', `:${port}`)], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, CURL_HOME: folder, BELLOWS_PORT: port },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk) => (out += String(chunk)));
    return new Promise((done) => shell.on('close', (code) => done({ code, out })));
  }

  it('works as written, line by line', async () => {
    const all = await blocks();
    expect(all).toHaveLength(3);
    const [withCurl, withCli, withDocker] = all as [string, string, string];
    const curl = await run(withCurl);
    expect(curl).toMatchObject({ code: 0 });
    expect(curl.out.match(/"state":"succeeded"/g)).toHaveLength(2);
    expect(curl.out).toContain('"impact":"live"');
    expect(await run(withCli)).toMatchObject({ code: 0 });
    expect(await run(withDocker)).toMatchObject({ code: 0, out: expect.stringMatching(/^2$/m) });
    const { body } = await cloud.call('GET', '/v1/instances');
    expect(body.items.filter(({ state }: { state: string }) => state !== 'deleting')).toEqual([]);
  }, 120_000);
});
