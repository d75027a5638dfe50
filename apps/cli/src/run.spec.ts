import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cannedApi, freshHome, type Asked, type Canned } from './cli.fixture.js';

const page = (items: unknown[], nextCursor: string | null = null) => ({
  status: 200,
  body: { items, nextCursor },
});
const project = { id: 'prj-0123456789abcdefghjk', name: 'shop', createdAt: '2030-01-01T00:00:00Z' };
const problem = (status: number, code: string, more: object = {}) => ({
  status,
  body: {
    type: `urn:bellows:problem:${code}`,
    title: 'No',
    status,
    detail: `Because of ${code}.`,
    code,
    ...more,
  },
});

describe('bellows', () => {
  let home: Awaited<ReturnType<typeof freshHome>>;
  let close: (() => Promise<unknown>)[] = [];
  const api = async (answer: (asked: Asked, nth: number) => Canned) => {
    const made = await cannedApi(answer);
    close.push(made.close);
    return { ...made, env: { BELLOWS_URL: made.url, BELLOWS_TOKEN: 'bws_test' } };
  };
  beforeEach(async () => {
    home = await freshHome();
  });
  afterEach(async () => {
    await home.remove();
    await Promise.all(close.map((one) => one()));
    close = [];
  });

  it('sends a mutation whose answer got lost again, with the same Idempotency-Key', async () => {
    const { env, log } = await api((_, nth) => (nth < 3 ? null : { status: 201, body: project }));
    const ran = await home.bellows(['project', 'create', 'shop'], env);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('shop');
    expect(log).toHaveLength(3);
    expect(log[0]!.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(log.map(({ key }) => key)).size).toBe(1);
  });

  it('waits as long as a full queue asks, and gives two commands two keys', async () => {
    const busy = { ...problem(429, 'queue-full'), headers: { 'retry-after': '0' } };
    const { env, log } = await api((_, nth) => (nth === 1 ? busy : { status: 201, body: project }));
    expect(await home.bellows(['project', 'create', 'a'], env)).toMatchObject({ code: 0 });
    expect(await home.bellows(['project', 'create', 'b'], env)).toMatchObject({ code: 0 });
    expect(log.map(({ key }) => key)).toEqual([log[0]!.key, log[0]!.key, log[2]!.key]);
    expect(log[2]!.key).not.toBe(log[0]!.key);
  });

  it('exits 3 where nobody answers', async () => {
    const { url, close: stop } = await cannedApi(() => null);
    await stop();
    const ran = await home.bellows(['plan', 'list', '--url', url], { BELLOWS_TOKEN: 'bws_test' });
    expect(ran).toMatchObject({ code: 3, out: '' });
    expect(ran.err).toMatch(/^bellows: Cannot reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  it('says why it was refused: the sentence, the code, the fields; exit 1', async () => {
    const errors = [{ pointer: '/name', detail: 'Too\u001b[2J long.' }];
    const { env } = await api(() => problem(400, 'invalid', { errors }));
    const ran = await home.bellows(['project', 'create', 'x'], env);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toBe(
      'bellows: Because of invalid.\n  code invalid (HTTP 400)\n  /name  Too\ufffd[2J long.\n',
    );
  });

  it('names the operation that is at work', async () => {
    const { env } = await api(() => problem(409, 'busy', { operationId: 'op-1' }));
    const ran = await home.bellows(['instance', 'stop', 'i-0123456789abcdefghjk'], env);
    expect(ran.err).toContain('bellows op wait op-1');
  });

  it.each([
    ['no such command', ['instnce']],
    ['an unknown option', ['plan', 'list', '--colour']],
    ['a missing one', ['instance', 'create', 'a', '--plan', 'p']],
    ['a size that is none', ['instance', 'resize', 'a', '--memory', 'much']],
    ['nothing to change', ['instance', 'resize', 'a']],
    ['a noun without a verb', ['instance']],
    ['no login', ['instance', 'list']],
  ])('exits 2 on %s, and says so on stderr', async (_, args) => {
    const ran = await home.bellows(args);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).not.toBe('');
  });

  it('exits 0 when asked for help', async () => {
    for (const args of [['--help'], ['instance', 'create', '--help']]) {
      const ran = await home.bellows(args);
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(ran.out).toContain('Usage: bellows');
    }
    expect((await home.bellows(['--help'])).out).toContain('Exit codes:');
  });

  it('lists the instances of an ambiguous name', async () => {
    const one = (id: string) => ({ id, name: 'web', state: 'running', plan: 'ecs-1c1g', projectId: 'prj-1' });
    const { env, log } = await api(() => page([one('i-a'), one('i-b')]));
    const ran = await home.bellows(['instance', 'get', 'web'], env);
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(/2 instances are named web.*\n.*\n  i-a .*\n  i-b /);
    expect(log[0]!.path).toContain('name=web');
  });

  it('follows pages up to --limit and with --all to the end; stdout is the API’s JSON', async () => {
    const all = Array.from({ length: 1200 }, (_, i) => ({ ...project, name: `p${i}` }));
    const { env, log } = await api(({ path }) => {
      const query = new URL(path, 'http://api').searchParams;
      const [from, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit'))];
      const next = from + limit < all.length ? String(from + limit) : null;
      return page(all.slice(from, from + limit), next);
    });
    const list = async (...args: string[]) =>
      JSON.parse((await home.bellows(['project', 'list', '--json', ...args], env)).out);
    expect((await list('--all')).items).toEqual(all);
    expect(log).toHaveLength(3);
    expect(await list('--limit', '700')).toEqual({ items: all.slice(0, 700), nextCursor: '700' });
    expect((await list('--cursor', '1190')).items).toEqual(all.slice(1190));
    expect((await home.bellows(['project', 'list'], env)).err).toContain('--all shows every one');
  });

  it('keeps a login that its owner alone can read, and only one that the cloud accepts', async () => {
    const { url, log } = await api(({ authorization }) =>
      authorization === 'Bearer bws_good' ? page([project]) : problem(401, 'unauthorized'),
    );
    const file = join(home.home, 'x', 'bellows', 'config.json');
    const env = { XDG_CONFIG_HOME: join(home.home, 'x') };
    expect(await home.bellows(['login', url], env, 'bws_bad\n')).toMatchObject({ code: 1 });
    await expect(stat(file)).rejects.toThrow('ENOENT');
    expect(await home.bellows(['login', url], env, 'bws_good\n')).toMatchObject({ code: 0, err: '' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await home.bellows(['project', 'list'], env)).toMatchObject({ code: 0 });

    const sent = log.length;
    const other = await api(() => page([]));
    const elsewhere = await home.bellows(['project', 'list', '--url', other.url], env);
    expect(elsewhere).toMatchObject({ code: 2 });
    expect([other.log.length, log.length]).toEqual([0, sent]);

    expect(await home.bellows(['logout'], env)).toMatchObject({ code: 0 });
    expect(await home.bellows(['project', 'list'], env)).toMatchObject({ code: 2 });
  });

  it('finds the cloud that runs from this folder, and says so', async () => {
    const { url, log } = await api(() => page([project]));
    await mkdir(join(home.home, '.bellows'));
    await writeFile(join(home.home, '.bellows', 'admin-token'), 'bws_local\n');
    const ran = await home.bellows(['project', 'list'], { BELLOWS_PORT: new URL(url).port });
    expect(ran).toMatchObject({
      code: 0,
      err: `bellows: not logged in; using ${url} with .bellows/admin-token\n`,
    });
    expect(log[0]!.authorization).toBe('Bearer bws_local');
  });
});
