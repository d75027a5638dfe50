import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, startCloud, type TestCloud } from './support/cloud.js';
import { DockerCli } from './support/docker-cli.js';
import { dockerCommands } from './support/docker-commands.js';

describe('bellows docker-env and the stock docker CLI', () => {
  let cloud: TestCloud;
  let home: string;
  let instanceId = '';
  let docker: DockerCli;

  /** What the command says with a token. */
  async function dockerEnv(line: string, token = cloud.token): Promise<Record<string, string | null>> {
    const bin = join(root, 'apps/cli/bin/bellows.js');
    const { PATH } = process.env;
    const env = { PATH, HOME: home, BELLOWS_URL: cloud.url, BELLOWS_TOKEN: token };
    const args = [bin, 'docker-env', ...line.split(' '), '--shell', 'json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: home, env });
    return JSON.parse(stdout) as Record<string, string | null>;
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'bellows home '));
    cloud = await startCloud({ hosts: 'sim:1', env: { BELLOWS_DOCKER_PORT: '0' } });
    const asked = { name: 'web', plan: 'ecs-1c1g', image: 'debian-12-micro' };
    const created = await cloud.call('POST', '/v1/instances', asked);
    expect((await cloud.ended(created)).state).toBe('succeeded');
    instanceId = created.body.instance.id;
    docker = await DockerCli.told(await dockerEnv('web --tls'));
    await docker.furnish();
    expect(await docker.sh('docker pull busybox')).toMatchObject({ code: 0 });
  }, 180_000);

  afterAll(async () => {
    await cloud?.stop();
    await rm(home, { recursive: true, force: true });
  }, 90_000);

  it('lead to the same engine both ways', async () => {
    const header = await DockerCli.told(await dockerEnv('web'));
    const line =
      'docker images; docker run --rm busybox hostname; echo piped | docker run --rm -i busybox cat';
    for (const way of [header, docker]) {
      expect(await way.sh(line)).toMatchObject({
        code: 0,
        text: expect.stringMatching(/busybox +latest[^]*piped/),
      });
    }
  }, 130_000);

  it.each(dockerCommands(true))(
    'by certificate: docker $name',
    async ({ line, code = 0, says }) => {
      const said = await docker.sh(line);
      expect({ line, ...said }).toMatchObject({ code, text: expect.stringMatching(says) });
    },
    130_000,
  );

  it('say what is wrong when the token is revoked, and end what is open', async () => {
    const { projectId } = (await cloud.call('GET', `/v1/instances/${instanceId}`)).body;
    const body = { projectId, role: 'member', name: 'brief' };
    const { id, token } = (await cloud.call('POST', '/v1/tokens', body)).body;
    const brief = await DockerCli.told(await dockerEnv('web --tls --config-dir brief', token));
    expect(await brief.sh('docker run -d --name talker busybox sleep 600')).toMatchObject({ code: 0 });
    const logs = brief.sh('docker logs -f talker');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await cloud.call('DELETE', `/v1/tokens/${id}`);
    const revokedAt = Date.now();
    expect((await logs).code).not.toBe(0);
    expect(Date.now() - revokedAt).toBeLessThan(5_000);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, revokedAt + 5_000 - Date.now())));
    expect(await brief.sh('docker ps')).toMatchObject({
      code: 1,
      text: expect.stringContaining('bellows docker-env'),
    });
  }, 60_000);
});
