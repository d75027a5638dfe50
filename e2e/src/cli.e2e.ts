import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { root, startCloud, type TestCloud } from './support/cloud.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

// Each command is a process, and starting one takes a while on a busy machine.
jest.setTimeout(120_000);

/** The real command against a whole cloud, as a user and a script would use it. */
describe('bellows, the command', () => {
  let cloud: TestCloud;
  let home: string;

  function bellows(line: string, env: Record<string, string> = {}, stdin = ''): Promise<Ran> {
    const bin = join(root, 'apps/cli/bin/bellows.js');
    const { PATH } = process.env;
    const options = { cwd: home, env: { PATH, HOME: home, ...env }, timeout: 60_000 };
    return new Promise((done) => {
      const child = execFile(process.execPath, [bin, ...line.split(' ')], options, (error, out, err) =>
        done({ code: error ? Number(error.code) : 0, out, err }),
      );
      child.stdin!.end(stdin);
    });
  }
  async function ok(line: string): Promise<string> {
    const ran = await bellows(line);
    expect(`${ran.code} ${ran.err}`).toMatch(/^0 /);
    return ran.out;
  }
  const json = async (line: string) => JSON.parse(await ok(`${line} --json`));

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'bellows cli '));
    cloud = await startCloud({ hosts: 'sim:2', env: { BELLOWS_SIM_LATENCY: '0.1' } });
  }, 180_000);
  afterAll(async () => {
    await cloud?.stop();
    await rm(home, { recursive: true, force: true });
  }, 90_000);

  it('logs in with a token from stdin', async () => {
    expect((await bellows('host list')).code).toBe(2);
    expect((await bellows(`login ${cloud.url}`, {}, 'bws_wrong\n')).code).toBe(1);
    expect(await bellows(`login ${cloud.url}`, {}, `${cloud.token}\n`)).toMatchObject({ code: 0, err: '' });
    expect((await stat(join(home, '.config/bellows/config.json'))).mode & 0o777).toBe(0o600);
    await writeFile(join(home, 'token'), cloud.token);
    expect(await ok(`login ${cloud.url} --token-file token`)).toContain('logged in');
    expect(await json('version')).toEqual({
      cli: expect.any(String),
      api: expect.any(String),
      url: cloud.url,
    });
  });

  it('shows the catalogue and the servers', async () => {
    expect(await ok('plan list')).toMatch(/^PLAN +FAMILY +VCPU +MEMORY.*\n(.*\n)*ecs-2c2g +ecs +2 +2 GiB /);
    expect(await json('plan get ecs-2c2g')).toMatchObject({ id: 'ecs-2c2g', vcpus: 2 });
    expect((await json('image list')).items).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'debian-12' })]),
    );
    expect((await json('zone list')).items).toHaveLength(1);
    expect(await ok('host list')).not.toContain('\u001b');
    const { items } = await json('host list');
    expect(items).toEqual((await cloud.call('GET', '/v1/hosts')).body.items);
    const { name } = items[0];
    expect(await json(`host cordon ${name}`)).toMatchObject({ name, state: 'cordoned' });
    expect(await json(`host get ${name}`)).toMatchObject({ name, state: 'cordoned' });
    expect(await json(`host uncordon ${name}`)).toMatchObject({ name, state: 'ready' });
  });

  it('enrols and removes a server, sells a plan, adds and removes a network', async () => {
    await ok('host add extra --driver sim --vcpus 8 --memory 16g --disk 1t');
    expect(await json('host get extra')).toMatchObject({
      physical: { vcpus: 8, ramMib: 16_384, diskGib: 1024 },
    });
    await ok('host remove extra');
    expect((await bellows('host get extra')).code).toBe(1);
    const made = await json(
      'plan create ecs-3c3g --family ecs --vcpus 3 --memory 3g --disk 20g --floor 1c1g --ceiling 4c4g --price 0.0300',
    );
    expect(made).toMatchObject({ id: 'ecs-3c3g', ceiling: { vcpus: 4, ramMib: 4096 } });
    await ok('ip-pool add 203.0.113.0/24 --gateway 203.0.113.1');
    expect(await ok('ip-pool list')).toContain('203.0.113.0/24');
    await ok('ip-pool remove 203.0.113.0/24');
    expect(await ok('ip-pool list')).not.toContain('203.0.113.0/24');
  });

  it('makes an instance, resizes it while it runs, and deletes it', async () => {
    expect(await json('instance create web-1 --plan ecs-1c1g --image debian-12 --dry-run')).toMatchObject({
      fits: true,
    });
    expect((await json('instance list')).items).toEqual([]);
    const created = await bellows(
      'instance create web-1 --plan ecs-1c1g --image debian-12 --tag tier=web --wait',
    );
    expect(created).toMatchObject({ code: 0 });
    expect(created.out).toMatch(
      /^✓ web-1 {2}● running {2}1 vCPU · 1 GiB · disk 20 GiB .* confirmed by the guest\n$/,
    );
    expect(created.err).toMatch(/^web-1: ✓ /m);

    expect(await json('instance resize-plan web-1 --plan ecs-2c2g')).toMatchObject({
      impact: 'live',
      to: { vcpus: 2 },
    });
    expect(await ok('instance resize web-1 --plan ecs-2c2g --dry-run')).toMatch(
      /^price +0\.0105 → 0\.0210 /m,
    );
    expect(await json('instance get web-1')).toMatchObject({
      size: { held: { vcpus: 1 } },
      tags: { tier: 'web' },
    });
    const { id } = await json('instance resize-plan web-1 --vcpus 2 --memory 2g');
    const resized = await json(`instance resize web-1 --resize-plan ${id} --wait`);
    expect(resized).toMatchObject({
      operation: { state: 'succeeded' },
      instance: { size: { held: { vcpus: 2, ramMib: 2048 } } },
    });

    await ok('instance update web-1 --name shop-1 --no-tags');
    for (const [action, state] of [
      ['stop', 'stopped'],
      ['start', 'running'],
      ['reboot', 'running'],
    ])
      expect((await json(`instance ${action} shop-1 --wait`)).instance.state).toBe(state);
    expect(await ok('instance list --state running')).toMatch(/shop-1 +● running/);
    expect((await json('usage --instance shop-1')).items.length).toBeGreaterThanOrEqual(3);
    expect(await ok('instance delete shop-1 --wait')).toMatch(/^✓ shop-1 deleted/);
    expect(await bellows('instance get shop-1')).toMatchObject({ code: 1, out: '' });
  });

  it('says why it is refused, and exits 1', async () => {
    await ok('instance create fixed --plan vps-1c1g --image debian-12 --wait');
    const refused = await bellows('instance resize fixed --plan ecs-2c2g');
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/fixed slice.*\n {2}code not-elastic \(HTTP 409\)\n/);
    const bad = await bellows('instance create UPPER --plan ecs-1c1g --image debian-12');
    expect(bad.err).toMatch(/\n {2}\/name/);
    expect(bad.code).toBe(1);
  });

  it('follows operations, several at once, and cancels one', async () => {
    const { operation } = await json('instance create a --plan ecs-1c1g --image debian-12');
    expect(await json(`op cancel ${operation.id}`)).toMatchObject({ cancelRequested: true });
    const waited = await bellows(`op wait ${operation.id} --json`);
    // Whether it still turns round depends on how far it had come; the exit code says which.
    const { state } = JSON.parse(waited.out);
    expect(waited.code).toBe({ succeeded: 0, cancelled: 1 }[state as string]);
    const many = await json('instance create many --plan ecs-1c1g --image debian-12-micro --count 3 --wait');
    expect(many.operations.map((one: { state: string }) => one.state)).toEqual(Array(3).fill('succeeded'));
    expect(await json(`op get ${many.operation.id}`)).toMatchObject({ state: 'succeeded' });
    expect(await ok('op list --kind instance.create --all')).toMatch(/instance\.create +✓ succeeded/);
    const late = await bellows('instance create late --plan ecs-1c1g --image debian-12 --wait --timeout 0s');
    expect(late.code).toBe(4);
  });

  it('gives a project its quota and a token, which sees nothing else', async () => {
    await ok('project create shop');
    expect((await json('project list')).items.map((one: { name: string }) => one.name)).toContain('shop');
    expect(await json('quota set shop --instances 1 --memory 4g')).toMatchObject({
      limit: { instances: 1, ramMib: 4096 },
    });
    expect(await ok('quota get shop')).toMatch(/0 \/ 1 .*0 \/ 4 GiB/);
    const { token } = await json('token create ci --role member --expires 1d --project shop');
    const as = { BELLOWS_URL: cloud.url, BELLOWS_TOKEN: token };
    expect(JSON.parse((await bellows('instance list --json', as)).out).items).toEqual([]);
    expect((await bellows('host list', as)).code).toBe(1);
    expect(await ok('token list --project shop')).toMatch(/ci +● valid +member/);
    await ok('token revoke ci --project shop');
    expect(await ok('token list --project shop')).toMatch(/ci +✗ revoked/);
    expect((await bellows('logout')).code).toBe(0);
    expect((await bellows('host list')).code).toBe(2);
  });

  it('exits 3 where nobody answers', async () => {
    const env = { BELLOWS_URL: 'http://127.0.0.1:9', BELLOWS_TOKEN: 'bws_none' };
    expect(await bellows('plan list', env)).toMatchObject({ code: 3, out: '' });
  });
});
