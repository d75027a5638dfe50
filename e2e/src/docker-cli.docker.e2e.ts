import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCloud, type TestCloud } from './support/cloud.js';
import { DockerCli } from './support/docker-cli.js';
import { dockerCommands } from './support/docker-commands.js';

describe('the stock docker CLI on a modelled instance', () => {
  let cloud: TestCloud;
  let docker: DockerCli;

  beforeAll(async () => {
    cloud = await startCloud({ hosts: 'sim:1' });
    const asked = { name: 'web', plan: 'ecs-1c1g', image: 'debian-12-micro' };
    const created = await cloud.call('POST', '/v1/instances', asked);
    expect((await cloud.ended(created)).state).toBe('succeeded');
    docker = await DockerCli.pointedAt(cloud.url, created.body.instance.id, cloud.token);
    await docker.furnish();
    expect(await docker.sh('docker pull busybox')).toMatchObject({ code: 0 });
  }, 180_000);

  afterAll(() => cloud?.stop(), 60_000);

  it.each(dockerCommands(true))(
    'docker $name',
    async ({ line, code = 0, says }) => {
      const said = await docker.sh(line);
      expect({ line, ...said }).toMatchObject({ code, text: expect.stringMatching(says) });
    },
    130_000,
  );
});
