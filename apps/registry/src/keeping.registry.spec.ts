import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bearer, RegistryBench } from './registry-bench.fixture.js';

let bench: RegistryBench;
const admin = 'bws_admin_of_the_tests_0123456789';

beforeAll(async () => void (bench = await RegistryBench.start()), 60_000);
afterAll(() => bench.close(), 30_000);

const idOf = (name: string) => encodeURIComponent(name);
const digestOf = (data: Buffer) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

async function aProject(name: string, registryMib?: number) {
  const made = await bench.api.project(name);
  if (registryMib !== undefined) {
    const set = await bench.api.call('PATCH', `/v1/quotas/${made.id}`, { registryMib });
    expect([set.status, set.body['registryLimitMib']]).toEqual([200, registryMib]);
  }
  return {
    id: made.id,
    owner: await made.token('owner'),
    member: await made.token('member'),
    viewer: await made.token('viewer'),
  };
}

const used = async (token: string) =>
  Number((await bench.api.call('GET', '/v1/registry', undefined, { token })).body['usedBytes']);

/** Asks for a collection and waits for its end. */
async function collect(): Promise<void> {
  const asked = await bench.api.call('POST', '/v1/registry/collections');
  expect(asked.status).toBe(202);
  for (let tries = 0; tries < 1200; tries++) {
    const { body } = await bench.api.call('GET', '/v1/registry');
    const last = body['lastCollection'] as { finishedAt: string | null; error: string | null };
    if (last.finishedAt !== null) return expect(last.error).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the collection does not end');
}

describe('what a project keeps', () => {
  it('is listed with its tags and sizes, a page at a time, for those who see the project', async () => {
    const shop = await aProject('listed');
    const { layout } = await bench.image(50_000);
    for (const name of ['a:1', 'a:2', 'a/deeper:1', 'b:1']) {
      expect(await bench.push(layout, `${shop.id}/${name}`, shop.member)).toMatchObject({ ok: true });
    }
    const token = shop.viewer;
    const first = await bench.api.call('GET', '/v1/registry/repositories?limit=2', undefined, { token });
    expect(first.body).toMatchObject({
      items: [
        { name: `${shop.id}/a`, tags: [{ name: '1' }, { name: '2' }] },
        { name: `${shop.id}/a/deeper`, tags: [{ name: '1', digest: expect.stringMatching(/^sha256:/) }] },
      ],
      nextCursor: expect.any(String),
    });
    const [a] = first.body['items'] as { bytes: number; tags: { bytes: number }[] }[];
    expect(a!.bytes).toBeGreaterThan(50_000);
    expect(a!.tags[0]!.bytes).toBe(a!.bytes);
    const rest = `/v1/registry/repositories?limit=2&cursor=${String(first.body['nextCursor'])}`;
    const second = await bench.api.call('GET', rest, undefined, { token });
    expect(second.body).toMatchObject({ items: [{ name: `${shop.id}/b` }], nextCursor: null });
    // Once, in however many repositories it is.
    expect(await used(token)).toBe(a!.bytes);
    const stranger = (await aProject('stranger')).owner;
    const path = `/v1/registry/repositories/${idOf(`${shop.id}/a`)}`;
    expect((await bench.api.call('GET', path, undefined, { token })).status).toBe(200);
    expect((await bench.api.call('GET', path, undefined, { token: stranger })).status).toBe(404);
    const theirs = `/v1/registry/repositories?namespace=${shop.id}`;
    expect((await bench.api.call('GET', theirs, undefined, { token: stranger })).status).toBe(404);
    expect((await bench.api.call('GET', theirs)).body['items']).toHaveLength(3);
    for (const bad of ['../..', 'library/..', 'a%00b', `${shop.id}`, `${shop.id}/none`]) {
      const answer = await bench.api.call('GET', `/v1/registry/repositories/${idOf(bad)}`);
      expect([bad, answer.status]).toEqual([bad, 404]);
    }
    const cursor = Buffer.from('../../etc').toString('base64url');
    expect((await bench.api.call('GET', `/v1/registry/repositories?cursor=${cursor}`)).status).toBe(400);
  });

  it('a tag is deleted without those beside it, by members, and it is written down', async () => {
    const shop = await aProject('deleted');
    const { layout } = await bench.image();
    for (const tag of ['1', '2']) await bench.push(layout, `${shop.id}/a:${tag}`, shop.member);
    await bench.push(layout, `${shop.id}/a/deeper:1`, shop.member);
    const path = `/v1/registry/repositories/${idOf(`${shop.id}/a`)}`;
    const drop = (at: string, token: string) => bench.api.call('DELETE', at, undefined, { token });
    const stranger = (await aProject('stranger too')).owner;
    expect((await drop(`${path}/tags/1`, shop.viewer)).status).toBe(403);
    expect((await drop(`${path}/tags/1`, stranger)).status).toBe(404);
    expect((await drop(`${path}/tags/${idOf('../2')}`, shop.member)).status).toBe(404);
    expect((await drop(`${path}/tags/1`, shop.member)).status).toBe(204);
    expect((await drop(`${path}/tags/1`, shop.member)).status).toBe(404);
    expect(await bench.pull(`${shop.id}/a:1`, shop.viewer)).toMatchObject({ ok: false });
    expect(await bench.pull(`${shop.id}/a:2`, shop.viewer)).toMatchObject({ ok: true });
    expect((await drop(path, shop.owner)).status).toBe(204);
    expect(await bench.pull(`${shop.id}/a:2`, shop.viewer)).toMatchObject({ ok: false });
    expect(await bench.pull(`${shop.id}/a/deeper:1`, shop.viewer)).toMatchObject({ ok: true });
    const base = `/v1/registry/repositories/${idOf('library/base')}`;
    await bench.push(layout, 'library/base:1', admin);
    expect((await drop(base, shop.owner)).status).toBe(403);
    const audit = await bench.api.call('GET', '/v1/audit', undefined, { token: shop.owner });
    const rows = (audit.body['items'] as { action: string; resource: string }[]).map(
      ({ action, resource }) => `${action} ${resource}`,
    );
    expect(rows).toEqual(
      expect.arrayContaining([
        `registry.tag.delete ${shop.id}/a:1`,
        `registry.repository.delete ${shop.id}/a`,
      ]),
    );
  });

  it('deleting by the protocol of the registry works, and who got the right to is written down', async () => {
    const shop = await aProject('by protocol');
    const { layout } = await bench.image();
    await bench.push(layout, `${shop.id}/a:1`, shop.member);
    const login = [`--creds=x:${shop.member}`, `--cert-dir=${bench.folder}/certs`];
    expect(await bench.skopeo('delete', ...login, `docker://${bench.host}/${shop.id}/a:1`)).toMatchObject({
      ok: true,
    });
    expect(await bench.pull(`${shop.id}/a:1`, shop.viewer)).toMatchObject({ ok: false });
    const audit = await bench.api.call('GET', '/v1/audit', undefined, { token: shop.owner });
    expect(audit.text).toContain('registry.delete-token');
  });
});

describe('the quota', () => {
  it('refuses what is too much, tells why, and keeps nothing of it', async () => {
    const shop = await aProject('poor', 1);
    const small = await bench.image(600_000);
    expect(await bench.push(small.layout, `${shop.id}/a:1`, shop.member)).toMatchObject({ ok: true });
    const before = await used(shop.member);
    expect(before).toBeGreaterThan(600_000);
    // The same again is no more.
    expect(await bench.push(small.layout, `${shop.id}/b:1`, shop.member)).toMatchObject({ ok: true });
    expect(await used(shop.member)).toBe(before);
    const large = await bench.image(900_000);
    const refused = await bench.push(large.layout, `${shop.id}/a:2`, shop.member);
    expect(refused).toMatchObject({ ok: false, said: expect.stringMatching(/quota|denied/i) });
    expect(await used(shop.member)).toBe(before);
    expect(
      (await bench.api.call('GET', '/v1/registry', undefined, { token: shop.viewer })).body,
    ).toMatchObject({
      limitBytes: 1024 * 1024,
      usedBytes: before,
      addresses: [bench.host],
    });
  });

  it('counts a mount as if it had been sent', async () => {
    const shop = await aProject('mounting', 1);
    const { layout, layer } = await bench.image(1_500_000);
    await bench.push(layout, 'library/heavy:1', admin);
    const scopes = [`repository:${shop.id}/m:pull,push`, 'repository:library/heavy:pull'];
    const token = await bench.token(shop.member, ...scopes);
    const mount = `/v2/${shop.id}/m/blobs/uploads/?mount=${layer}&from=library/heavy`;
    const said = await bench.say('POST', mount, bearer(token));
    expect([said.status, said.text]).toEqual([403, expect.stringContaining('quota')]);
    await bench.api.call('PATCH', `/v1/quotas/${shop.id}`, { registryMib: 2 });
    const richer = await bench.token(shop.member, ...scopes);
    expect((await bench.say('POST', mount, bearer(richer))).status).toBe(201);
    expect(await used(shop.member)).toBe(1_500_000);
  });

  it('holds for many uploads side by side, and for what is cut off', async () => {
    const shop = await aProject('greedy', 2);
    const name = `${shop.id}/x`;
    const token = await bench.token(shop.member, `repository:${name}:pull,push`);
    const part = randomBytes(600_000);
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const started = await bench.say('POST', `/v2/${name}/blobs/uploads/`, bearer(token));
        if (started.status !== 202) return started.status;
        const { pathname, search } = new URL(started.headers.location!);
        const sent = await bench.say('PATCH', pathname + search, bearer(token), part).catch(() => null);
        return sent?.status ?? 403;
      }),
    );
    expect(answers.filter((status) => status === 202)).toHaveLength(3);
    expect(new Set(answers)).toEqual(new Set([202, 403]));
    expect(await used(shop.member)).toBe(1_800_000);
  });
});

describe('space', () => {
  it('comes back with a collection, and what is tagged stays', async () => {
    const shop = await aProject('tidy');
    const kept = await bench.image(400_000);
    const gone = await bench.image(700_000);
    await bench.push(kept.layout, `${shop.id}/a:kept`, shop.member);
    const before = await used(shop.member);
    await bench.push(gone.layout, `${shop.id}/a:gone`, shop.member);
    expect(await used(shop.member)).toBeGreaterThan(before + 700_000);
    const path = `/v1/registry/repositories/${idOf(`${shop.id}/a`)}/tags/gone`;
    await bench.api.call('DELETE', path, undefined, { token: shop.member });
    await collect();
    expect(await used(shop.member)).toBe(before);
    expect(await bench.pull(`${shop.id}/a:kept`, shop.viewer)).toMatchObject({ ok: true });
    const token = await bench.token(shop.viewer, `repository:${shop.id}/a:pull`);
    expect((await bench.say('HEAD', `/v2/${shop.id}/a/blobs/${gone.layer}`, bearer(token))).status).toBe(404);
    expect(await bench.push(gone.layout, `${shop.id}/a:again`, shop.member)).toMatchObject({ ok: true });
    expect(await bench.pull(`${shop.id}/a:again`, shop.viewer)).toMatchObject({ ok: true });
  }, 90_000);

  it('is given back by admins alone', async () => {
    const shop = await aProject('no admin');
    const asked = await bench.api.call('POST', '/v1/registry/collections', undefined, { token: shop.owner });
    expect(asked.status).toBe(403);
  });

  it('layers whose manifest has not come yet are waited for', async () => {
    const shop = await aProject('slow pusher');
    const name = `${shop.id}/slow`;
    const token = await bench.token(shop.member, `repository:${name}:pull,push`);
    const data = randomBytes(1000);
    const started = await bench.say('POST', `/v2/${name}/blobs/uploads/`, bearer(token));
    const { pathname, search } = new URL(started.headers.location!);
    const put = await bench.say('PUT', `${pathname}${search}&digest=${digestOf(data)}`, bearer(token), data);
    expect(put.status).toBe(201);
    const collecting = collect();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const blob = { digest: digestOf(data), size: data.length };
    const manifest = JSON.stringify({
      ...{ schemaVersion: 2, mediaType },
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob }],
    });
    const tagged = await bench.say(
      'PUT',
      `/v2/${name}/manifests/1`,
      { ...bearer(token), 'content-type': mediaType },
      manifest,
    );
    expect(tagged.status).toBe(201);
    await collecting;
    expect((await bench.say('HEAD', `/v2/${name}/blobs/${digestOf(data)}`, bearer(token))).status).toBe(200);
  });
});

describe('bulk', () => {
  it('half a gigabyte goes in, in constant memory', async () => {
    const shop = await aProject('bulky');
    const name = `${shop.id}/bulk`;
    const token = await bench.token(shop.member, `repository:${name}:pull,push`);
    const started = await bench.say('POST', `/v2/${name}/blobs/uploads/`, bearer(token));
    const { pathname, search } = new URL(started.headers.location!);
    const piece = randomBytes(4 * 1024 * 1024);
    const pieces = 128;
    const hash = createHash('sha256');
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
    const idle = process.memoryUsage().rss;
    const status = await new Promise<string>((resolve, reject) => {
      const line = connect(
        { host: '127.0.0.1', port: bench.running.port, rejectUnauthorized: false },
        async () => {
          line.write(
            `PATCH ${pathname}${search} HTTP/1.1\r\nHost: ${bench.host}\r\nAuthorization: Bearer ${token}\r\n` +
              `Content-Length: ${piece.length * pieces}\r\n\r\n`,
          );
          for (let at = 0; at < pieces; at++) {
            hash.update(piece);
            if (!line.write(piece)) await new Promise((drained) => line.once('drain', drained));
          }
        },
      );
      line.once('data', (said: Buffer) => {
        line.destroy();
        resolve(said.toString('latin1'));
      });
      line.on('error', reject);
    });
    expect(status).toMatch(/^HTTP\/1.1 202/);
    const next = new URL(/^location: (.*)$/im.exec(status)![1]!.trim());
    const digest = `sha256:${hash.digest('hex')}`;
    const put = await bench.say('PUT', `${next.pathname}${next.search}&digest=${digest}`, bearer(token));
    expect(put.status).toBe(201);
    clearInterval(watch);
    expect((peak - idle) / 2 ** 20).toBeLessThan(150);
    expect(await used(shop.member)).toBe(piece.length * pieces);
  }, 120_000);
});
