import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cannedApi, freshHome, type Asked, type Canned } from '../cli.fixture.js';
import { spoken } from './shells.js';

const id = 'i-0123456789abcdefghjk';
const instance = { id, name: 'web', state: 'running', docker: { state: 'ready', endpoint: '/…' } };
const certificate = {
  ca: 'the ca\n',
  certificate: 'the certificate\n',
  key: 'the key\n',
  endpoint: 'tcp://127.0.0.1:2376',
  expiresAt: '2030-01-01T12:00:00.000Z',
};

const answer = ({ method, path }: Asked): Canned => {
  if (method === 'POST') return { status: 201, body: certificate };
  return path.includes('name=')
    ? { status: 200, body: { items: [instance], nextCursor: null } }
    : { status: 200, body: instance };
};

describe('bellows docker-env', () => {
  let home: Awaited<ReturnType<typeof freshHome>>;
  let api: Awaited<ReturnType<typeof cannedApi>>;
  let env: Record<string, string>;
  beforeEach(async () => {
    [home, api] = [await freshHome(), await cannedApi(answer)];
    env = { BELLOWS_URL: api.url, BELLOWS_TOKEN: 'bws_test' };
  });
  afterEach(async () => void (await Promise.all([home.remove(), api.close()])));

  const variables = async (args: string[], more: Record<string, string> = {}) => {
    const ran = await home.bellows(['docker-env', ...args, '--shell', 'json'], { ...env, ...more });
    expect(ran).toMatchObject({ code: 0 });
    return JSON.parse(ran.out) as Record<string, string | null>;
  };
  const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

  it('puts the token into a configuration that its owner alone can read', async () => {
    const set = await variables(['web']);
    const folder = set['DOCKER_CONFIG']!;
    expect(set).toEqual({
      DOCKER_HOST: `tcp://127.0.0.1:${new URL(api.url).port}/v1/instances/${id}/docker`,
      DOCKER_CONFIG: join(home.home, '.config/bellows/docker', id),
      DOCKER_TLS: null,
      DOCKER_TLS_VERIFY: null,
      DOCKER_CERT_PATH: null,
    });
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toEqual({
      HttpHeaders: { Authorization: 'Bearer bws_test' },
    });
    expect([await mode(folder), await mode(join(folder, 'config.json'))]).toEqual(['700', '600']);
  });

  it('keeps what is in the configuration, and takes the plugins of the user along', async () => {
    await mkdir(join(home.home, '.docker/cli-plugins'), { recursive: true });
    const folder = (await variables([id]))['DOCKER_CONFIG']!;
    const file = join(folder, 'config.json');
    const made = JSON.parse(await readFile(file, 'utf8')) as object;
    expect(made).toMatchObject({ cliPluginsExtraDirs: [join(home.home, '.docker/cli-plugins')] });
    await writeFile(file, JSON.stringify({ ...made, auths: { r: {} }, HttpHeaders: { 'X-Mine': '1' } }));
    await variables([id], { BELLOWS_TOKEN: 'bws_next' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      ...made,
      auths: { r: {} },
      HttpHeaders: { 'X-Mine': '1', Authorization: 'Bearer bws_next' },
    });
    await writeFile(file, '[]');
    expect(await home.bellows(['docker-env', id], env)).toMatchObject({ code: 2, out: '' });
  });

  it('fetches a certificate, and drops a configuration of ours but none of the user’s', async () => {
    const folder = join(home.home, 'here and now');
    const set = await variables(['web', '--tls', '--ttl', '30', '--config-dir', 'here and now']);
    expect(set).toEqual({
      DOCKER_HOST: 'tcp://127.0.0.1:2376',
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: folder,
    });
    const files = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(folder, name));
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    expect(texts).toEqual(['the ca\n', 'the certificate\n', 'the key\n']);
    expect([await mode(folder), ...(await Promise.all(files.map(mode)))]).toEqual([
      '700',
      '600',
      '600',
      '600',
    ]);
    expect(api.log.at(-1)!.path).toBe(`/v1/instances/${id}/docker-certificates`);
    const ours = { DOCKER_CONFIG: join(home.home, '.config/bellows/docker/i-x') };
    expect(await variables(['web', '--tls'], ours)).toMatchObject({ DOCKER_CONFIG: null });
    const own = await variables(['web', '--tls'], { DOCKER_CONFIG: '/elsewhere' });
    expect(own).not.toHaveProperty('DOCKER_CONFIG');
  });

  it('says how long a certificate is good for, on stderr', async () => {
    const ran = await home.bellows(['docker-env', 'web', '--tls'], env);
    expect(ran.err).toContain('good until 2030-01-01T12:00:00.000Z');
    expect(await home.bellows(['docker-env', 'web', '--ttl', '30'], env)).toMatchObject({ code: 2 });
  });
});

describe('what a shell is told', () => {
  it('arrives there as it is, whatever it holds', () => {
    const hard = `a'b"c$HOME \`x\` \\' ; é`;
    const text = `${spoken({ HARD: hard, GONE: null }, 'sh')}printf '%s|%s' "$HARD" "\${GONE-unset}"`;
    const said = execFileSync('sh', ['-c', text], { env: { GONE: 'there' }, encoding: 'utf8' });
    expect(said).toBe(`${hard}|unset`);
  });

  it('is what fish reads, too', () => {
    expect(spoken({ A: `it's \\ here`, B: null }, 'fish')).toBe(`set -gx A 'it\\'s \\\\ here';\nset -e B;\n`);
  });
});
