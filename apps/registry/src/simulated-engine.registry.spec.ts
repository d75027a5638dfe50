import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { simulatedEngine, type Answer } from '@bellows/engine/sim/simulated-engine.fixture';
import { fileNode, tarOf } from '@bellows/engine/sim/files/tar-write';
import { RegistryBench } from './registry-bench.fixture.js';

let bench: RegistryBench;
let engine: Awaited<ReturnType<typeof simulatedEngine>>;
let other: Awaited<ReturnType<typeof simulatedEngine>>;
let registry: { addresses: string[]; ca: string };
let shop: { id: string; member: string; viewer: string };
let stranger: { id: string; member: string };

const size = { vcpus: 2, ramMib: 1024 };
const admin = 'bws_admin_of_the_tests_0123456789';
const account = (password: string) => ({
  'x-registry-auth': Buffer.from(JSON.stringify({ username: 'me', password })).toString('base64url'),
});
const dockerfile =
  'FROM busybox\nENV GREETING=hello\nRUN echo made > /made\nCMD ["sh", "-c", "cat /made; echo $GREETING"]\n';
const context = tarOf([['Dockerfile', fileNode(dockerfile)]]);
const digestIn = ({ text }: Answer): string =>
  /sha256:[0-9a-f]{64}/.exec(/digest: (\S+)|Digest: (\S+)/i.exec(text)![0])![0];

const pull = (from: typeof engine, name: string, tag: string, password: string | null) =>
  from.ask(
    'POST',
    `/images/create?fromImage=${name}&tag=${tag}`,
    undefined,
    password === null ? {} : account(password),
  );
const push = (from: typeof engine, name: string, tag: string, password: string) =>
  from.ask('POST', `/images/${name}/push?tag=${tag}`, undefined, account(password));
const built = async (name: string) => {
  const said = await engine.ask('POST', `/build?t=${name}`, context);
  expect(said.text).toContain('Successfully tagged');
};

beforeAll(async () => {
  bench = await RegistryBench.start();
  const [made, foreign] = [await bench.api.project('shop'), await bench.api.project('stranger')];
  shop = { id: made.id, member: await made.token('member'), viewer: await made.token('viewer') };
  stranger = { id: foreign.id, member: await foreign.token('member') };
  const ca = await readFile(bench.running.authorityFile, 'utf8');
  registry = { addresses: [bench.host], ca };
  engine = await simulatedEngine(size, '', registry);
  other = await simulatedEngine(size, '', registry);
}, 60_000);
afterAll(async () => {
  await engine.close();
  await other.close();
  await bench.close();
}, 30_000);

describe('a simulated engine and the real registry', () => {
  it('docker login: a token is let in, a wrong one is not', async () => {
    const login = (password: string) =>
      engine.ask('POST', '/auth', { username: 'me', password, serveraddress: bench.host });
    expect((await login(shop.member)).json).toMatchObject({ Status: 'Login Succeeded' });
    const refused = await login('bws_nonsense_nonsense_nonsense');
    expect(refused.status).toBe(401);
    expect(refused.json.message).toContain('unauthorized: ');
  });

  it('what is built here is pushed, read by skopeo, and runs in another engine', async () => {
    const name = `${bench.host}/${shop.id}/app`;
    await built(`${name}:1`);
    const pushed = await push(engine, name, '1', shop.member);
    expect(pushed.text).toContain('"status":"Pushed"');
    const digest = digestIn(pushed);
    const seen = await bench.skopeo(
      ...[
        'inspect',
        '--cert-dir',
        `${bench.folder}/certs`,
        '--creds',
        `me:${shop.viewer}`,
        `docker://${name}:1`,
      ],
    );
    expect(JSON.parse(seen.said)).toMatchObject({
      Digest: digest,
      Env: expect.arrayContaining(['GREETING=hello']),
    });
    // skopeo checks every digest of what it copies.
    expect(await bench.pull(`${shop.id}/app:1`, shop.viewer)).toMatchObject({ ok: true });

    const pulled = await pull(other, name, '1', shop.viewer);
    expect(pulled.text).toContain(`Status: Downloaded newer image for ${name}:1`);
    expect(digestIn(pulled)).toBe(digest);
    expect(await other.run(`${name}:1`, [], { Cmd: undefined })).toMatchObject({
      code: 0,
      output: 'made\nhello\n',
    });
    const [here, there] = await Promise.all(
      [engine, other].map(async (one) => (await one.ask('GET', `/images/${name}:1/json`)).json),
    );
    expect(there).toMatchObject({ Id: here.Id, RepoDigests: here.RepoDigests, Size: here.Size });
    expect((await pull(other, name, '1', shop.viewer)).text).toContain('Image is up to date');
    const again = await push(engine, name, '1', shop.member);
    expect(again.text).toContain('Layer already exists');
    expect(digestIn(again)).toBe(digest);
    expect(bench.troubles).toEqual([]);
  });

  it('an image of another maker keeps its id and its digest, and is pushed on under another name', async () => {
    const { layout } = await bench.image(0, gzipSync(tarOf([['etc/motd', fileNode('from afar\n')]])));
    // The fixture's diff id is of what is inside only for archives that are not compressed.
    expect(await bench.push(layout, `${shop.id}/wrong:1`, shop.member)).toMatchObject({ ok: true });
    const wrong = await pull(engine, `${bench.host}/${shop.id}/wrong`, '1', shop.viewer);
    expect(wrong.text).toContain("layers from manifest don't match image configuration");

    const plain = await bench.image(0, tarOf([['etc/motd', fileNode('from afar\n')]]));
    expect(await bench.push(plain.layout, `${shop.id}/afar:1`, shop.member)).toMatchObject({ ok: true });
    const name = `${bench.host}/${shop.id}/afar`;
    expect((await pull(engine, name, '1', shop.viewer)).text).toContain('Downloaded newer image');
    await engine.ask('POST', `/images/${name}:1/tag?repo=${bench.host}/${shop.id}/near&tag=2`);
    const pushed = await push(engine, `${bench.host}/${shop.id}/near`, '2', shop.member);
    expect(pushed.text).toContain(`Mounted from ${shop.id}/afar`);
    expect(await bench.pull(`${shop.id}/near:2`, shop.viewer)).toMatchObject({ ok: true });
  });

  it('says as dockerd says: no such tag, a foreign project, a wrong password, no right to push', async () => {
    const name = `${bench.host}/${shop.id}/app`;
    const missing = await pull(engine, name, '404', shop.viewer);
    expect([missing.status, missing.json.message]).toEqual([
      404,
      expect.stringMatching(/^manifest for .*:404 not found: manifest unknown: /),
    ]);
    const foreign = await pull(engine, `${bench.host}/${stranger.id}/app`, '1', shop.member);
    expect(foreign.status).toBe(404);
    expect(foreign.json.message).toContain('pull access denied for ');
    expect((await pull(engine, name, '1', null)).json.message).toContain('pull access denied for ');
    expect((await pull(engine, name, '1', 'bws_wrong_wrong_wrong_wrong')).json.message).toContain(
      'unauthorized: ',
    );
    const denied = await push(engine, name, '1', shop.viewer);
    expect(denied.text).toContain('denied: requested access to the resource is denied');
  });

  it('bare names: the mirror first, then the model; a real program of a known name is its model', async () => {
    expect((await pull(engine, 'alpine', 'latest', null)).text).toContain(
      'Status: Downloaded newer image for alpine',
    );
    const elf = {
      ...fileNode(Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(300)]), 0o755),
    };
    const link = { ...fileNode(''), kind: 'link' as const, target: 'dash', mode: 0o777 };
    const files = tarOf([
      ['bin/dash', elf],
      ['bin/cat', elf],
      ['bin/sh', link],
      ['bin/odd', elf],
      ['etc/own', fileNode('mirror\n')],
    ]);
    const { layout } = await bench.image(0, files);
    expect(await bench.push(layout, 'library/debian:12', admin)).toMatchObject({ ok: true });
    expect((await pull(engine, 'debian', '12', null)).text).toContain('Downloaded newer image for debian:12');
    expect(await engine.run('debian:12', ['sh', '-c', 'cat /etc/own'])).toMatchObject({
      code: 0,
      output: 'mirror\n',
    });
    await expect(engine.run('debian:12', ['odd'])).rejects.toThrow('not modelled');
  });

  it('of a large layer names and small files are kept, over a restart too, and it is pushed on by a mount', async () => {
    const big = fileNode(Buffer.alloc(20 * 1024 * 1024, 'x'));
    const { layout } = await bench.image(
      0,
      tarOf([
        ['big', big],
        ['etc/small', fileNode('kept\n')],
      ]),
    );
    const name = `${bench.host}/${shop.id}/big`;
    expect(await bench.push(layout, `${shop.id}/big:1`, shop.member)).toMatchObject({ ok: true });
    const folder = join(bench.folder, 'shelf');
    let engine = await simulatedEngine(size, folder, registry);
    const pulled = await pull(engine, name, '1', shop.viewer);
    const before = (await engine.ask('GET', `/images/${name}:1/json`)).json;
    await engine.close();
    engine = await simulatedEngine(size, folder, registry);
    expect((await engine.ask('GET', `/images/${name}:1/json`)).json).toEqual(before);
    expect(pulled.text).toContain('Simulated: of a large layer names and small files are kept');
    expect((await engine.ask('GET', `/images/${name}:1/json`)).json.Size).toBe(20 * 1024 * 1024 + 5);
    expect((await engine.ask('GET', `/images/${name}:1/get`)).json.message).toContain('in the registry only');
    await engine.ask('POST', `/images/${name}:1/tag?repo=${bench.host}/${shop.id}/large&tag=1`);
    const pushed = await push(engine, `${bench.host}/${shop.id}/large`, '1', shop.member);
    expect(pushed.text).toContain(`Mounted from ${shop.id}/big`);
    expect(await bench.pull(`${shop.id}/large:1`, shop.viewer)).toMatchObject({ ok: true });
    await engine.close();
  });

  it('a registry that is down: said so, and bare names come from the model', async () => {
    await bench.running.stop();
    const down = await pull(engine, `${bench.host}/${shop.id}/app`, '1', shop.member);
    expect(down.status).toBe(500);
    expect(down.json.message).toMatch(/^Get "https:.*": dial tcp .*: connect: connection refused$/);
    expect((await pull(other, 'debian', '12', null)).text).toContain('Downloaded newer image for debian:12');
    const pushed = await push(engine, `${bench.host}/${shop.id}/app`, '1', shop.member);
    expect(pushed.text).toContain('connection refused');
  });
});
