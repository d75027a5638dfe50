import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, startCloud, type TestCloud } from './support/cloud.js';
import { DockerCli } from './support/docker-cli.js';
import { dockerCommands } from './support/docker-commands.js';
import { freeHost, run } from './support/host.js';

describe('the stock docker CLI on a real guest', () => {
  let cloud: TestCloud;
  let docker: DockerCli;
  let hostId = '';
  let id = '';

  /** The engine takes a while longer than the guest's agent. */
  async function engineReady(): Promise<{ version: string }> {
    for (const until = Date.now() + 240_000; ; await sleep(2_000)) {
      const { docker: engine } = (await cloud.call('GET', `/v1/instances/${id}`)).body;
      if (engine.state === 'ready') return engine;
      if (Date.now() > until) throw new Error(`the engine is ${JSON.stringify(engine)}`);
    }
  }

  beforeAll(async () => {
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'up']);
    await freeHost();
    cloud = await startCloud({ hosts: 'libvirt:qemu:///system' });
    hostId = (await cloud.call('GET', '/v1/hosts')).body.items[0].id;
    const asked = { name: 'docker', plan: 'ecs-1c1g', image: 'debian-12-micro' };
    const created = await cloud.call('POST', '/v1/instances', asked);
    id = created.body.instance.id;
    expect((await cloud.ended(created)).state).toBe('succeeded');
    const { version } = await engineReady();
    process.stdout.write(`dockerd ${version} in ${id}\n`);
    docker = await DockerCli.pointedAt(cloud.url, id, cloud.token);
    await docker.furnish();
  }, 480_000);

  afterAll(async () => {
    if (id) await cloud.call('DELETE', `/v1/instances/${id}`).then((answer) => cloud.ended(answer));
    await cloud?.call('DELETE', `/v1/hosts/${hostId}`);
    await cloud?.stop();
    await run('sh', [`${root}/infra/host/netns-lab.sh`, 'down']);
  }, 180_000);

  it('builds an image from scratch', async () => {
    const built = await docker.buildBusybox();
    expect(built).toMatchObject({ code: 0, text: expect.stringMatching(/sha256:[0-9a-f]{64}/) });
  }, 130_000);

  it.each(dockerCommands(false))(
    'docker $name',
    async ({ name, line, code = 0, says }) => {
      const said = await docker.sh(line);
      process.stdout.write(`${said.seconds.toFixed(1).padStart(6)} s  docker ${name}\n`);
      expect({ line, ...said }).toMatchObject({ code, text: expect.stringMatching(says) });
    },
    130_000,
  );
});
