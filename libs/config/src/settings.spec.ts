import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureAdminToken } from './home.js';
import { parseHostSources } from './host-sources.js';
import { readSettings, SettingsError } from './settings.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bellows settings '));
});
afterAll(() => rm(folder, { recursive: true }));

const read = (variables: Record<string, string>) => readSettings(variables, join(folder, 'none'));
const problems = (variables: Record<string, string>): readonly string[] => {
  try {
    read(variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
};

describe('settings', () => {
  it('are complete without any variable', () => {
    expect(read({})).toMatchObject({
      bind: '127.0.0.1',
      port: 3000,
      databaseUrl: null,
      redisUrl: null,
      adminToken: null,
      simLatency: 1,
      tls: null,
      fleet: null,
      gateway: null,
      logLevel: 'info',
      hosts: [{ driver: 'sim', count: 8, vcpus: 16, ramMib: 65_536, diskGib: 2048 }],
    });
  });

  it('open the docker port unless it is off, and tell whether somebody chose it', () => {
    expect(read({}).dockerPort).toEqual({ port: 2376, byDefault: true, host: null });
    const chosen = read({ BELLOWS_DOCKER_PORT: '0', BELLOWS_DOCKER_HOST: 'cloud.example' });
    expect(chosen.dockerPort).toEqual({ port: 0, byDefault: false, host: 'cloud.example' });
    expect(read({ BELLOWS_DOCKER_PORT: 'off' }).dockerPort).toBeNull();
  });

  it('let the environment win over .env, and take an empty value for none', async () => {
    const file = join(folder, 'env');
    await writeFile(
      file,
      'BELLOWS_PORT=4000\nBELLOWS_BIND="0.0.0.0" # everywhere\nBELLOWS_SIM_LATENCY=0.5\n',
    );
    expect(readSettings({ BELLOWS_PORT: '0', BELLOWS_SIM_LATENCY: '' }, file)).toMatchObject({
      port: 0,
      bind: '0.0.0.0',
      simLatency: 1,
    });
  });

  it.each([
    ['BELLOWS_PORT', 'http', 'a TCP port'],
    ['BELLOWS_PORT', '65536', 'a TCP port'],
    ['BELLOWS_PORT', '1e3', 'a TCP port'],
    ['BELLOWS_DOCKER_PORT', '65536', 'a TCP port'],
    ['BELLOWS_DOCKER_PORT', 'no', 'a TCP port'],
    ['BELLOWS_DOCKER_HOST', 'cloud:2376', 'a host name'],
    ['BELLOWS_BIND', 'localhost', 'an IP address'],
    ['BELLOWS_HOSTS', 'sim:0', 'servers separated by commas'],
    ['BELLOWS_HOSTS', 'sim:8,vmware:x', 'servers separated by commas'],
    ['BELLOWS_SIM_LATENCY', '-1', 'a factor'],
    ['BELLOWS_LOG_LEVEL', 'loud', 'one of'],
    ['BELLOWS_RATE_LIMIT', '1.5', 'requests a second'],
  ])('name %s, its value %s and what is expected', (name, value, expected) => {
    const [problem, ...others] = problems({ [name]: value });
    expect(others).toEqual([]);
    expect(problem).toContain(name);
    expect(problem).toContain(JSON.stringify(value));
    expect(problem).toContain(`expected ${expected}`);
  });

  it.each([
    ['DATABASE_URL', 'mysql://root:hunter2@db/x'],
    ['REDIS_URL', 'hunter2'],
    ['BELLOWS_ADMIN_TOKEN', 'hunter2'],
    ['BELLOWS_FLEET_SECRET', 'hunter2'],
    ['BELLOWS_GATEWAY_SECRET', 'hunter2'],
  ])('never repeat the value of %s', (name, value) => {
    const text = problems({ [name]: value }).join('\n');
    expect(text).toContain(name);
    expect(text).not.toContain('hunter2');
  });

  it('report every problem at once, and pairs that come alone', () => {
    expect(problems({ BELLOWS_PORT: 'x', BELLOWS_BIND: 'y', BELLOWS_TLS_CERT: 'cert.pem' })).toHaveLength(3);
    expect(problems({ BELLOWS_TLS_CERT: 'cert.pem' })[0]).toMatch(/^BELLOWS_TLS_KEY is not set/);
  });
});

describe('BELLOWS_HOSTS', () => {
  it('names modelled servers and hypervisors, several at once', () => {
    expect(parseHostSources('sim:2x64c256g, libvirt:qemu:///system,sim:1')).toEqual([
      { driver: 'sim', count: 2, vcpus: 64, ramMib: 262_144, diskGib: 8192 },
      { driver: 'libvirt', uri: 'qemu:///system' },
      { driver: 'sim', count: 1, vcpus: 16, ramMib: 65_536, diskGib: 2048 },
    ]);
  });

  it.each(['sim:', 'sim:-1', 'sim:8x64c', 'sim:20000', 'libvirt:', 'libvirt:nothing', 'sim:1,,sim:2'])(
    'does not take %s',
    (text) => expect(parseHostSources(text)).toBeNull(),
  );
});

describe('the home', () => {
  it('keeps one admin token, readable by its owner only, whoever asks first', async () => {
    const settings = read({ BELLOWS_HOME: join(folder, 'home') });
    const tokens = await Promise.all(Array.from({ length: 8 }, () => ensureAdminToken(settings)));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toMatch(/^bws_[\w-]{43}$/);
    const file = join(settings.home, 'admin-token');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, 'utf8')).trim()).toBe(tokens[0]);
  });

  it('gives way to BELLOWS_ADMIN_TOKEN', async () => {
    expect(await ensureAdminToken(read({ BELLOWS_ADMIN_TOKEN: 'x'.repeat(16) }))).toBe('x'.repeat(16));
  });
});
