import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulatedEngine } from '../simulated-engine.fixture.js';

const size = { vcpus: 2, ramMib: 1024 };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bellows-shelf-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('an engine kept over the life of its process', () => {
  it('has its images, volumes, networks, containers, files and logs again; what should run runs', async () => {
    const first = await simulatedEngine(size, folder);
    await first.ask('POST', '/images/create?fromImage=busybox&tag=latest');
    const HostConfig = { RestartPolicy: { Name: 'always' }, NetworkMode: 'front', Binds: ['data:/data'] };
    await first.ask('POST', '/networks/create', { Name: 'front' });
    const script = 'echo kept > /data/f; echo own > /own; rm /etc/group; echo said; sleep 60';
    const ask = { Image: 'busybox', Cmd: ['sh', '-c', script], HostConfig };
    const { Id } = (await first.ask('POST', '/containers/create?name=keeper', ask)).json;
    await first.ask('POST', `/containers/${Id}/start`);
    const once = await first.run('busybox', ['sh', '-c', 'exit 3']);
    await first.ask('POST', `/commit?container=${once.id}&repo=mine&tag=1`, {});
    const before = (await first.ask('GET', '/images/mine:1/json')).json;
    const info = (await first.ask('GET', '/info')).json.ID;
    await first.close();

    const second = await simulatedEngine(size, folder);
    expect((await second.ask('GET', '/info')).json.ID).toBe(info);
    const state = (await second.ask('GET', '/containers/keeper/json')).json;
    expect(state).toMatchObject({
      Id,
      State: { Status: 'running' },
      Mounts: [{ Name: 'data', Destination: '/data' }],
    });
    expect((await second.ask('GET', `/containers/${once.id}/json`)).json.State).toMatchObject({
      Status: 'exited',
      ExitCode: 3,
    });
    expect((await second.ask('GET', '/images/mine:1/json')).json).toEqual(before);
    expect((await second.ask('GET', '/containers/keeper/logs?stdout=1')).text).toContain('said');
    const inside = await second.run('busybox', ['cat', '/data/f'], { HostConfig: { Binds: ['data:/data'] } });
    expect(inside.output).toBe('kept\n');
    const changes = (await second.ask('GET', '/containers/keeper/changes')).json;
    expect(changes).toContainEqual({ Path: '/etc/group', Kind: 2 });
    expect(changes).toContainEqual({ Path: '/own', Kind: 1 });
    // Ids go on in their row: none is given twice.
    const fresh = (await second.ask('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'] })).json
      .Id;
    expect([Id, once.id]).not.toContain(fresh);
    await second.engines.removed('instance-one');
    expect(await readdir(folder)).toEqual([]);
    await second.close();
  });
});
