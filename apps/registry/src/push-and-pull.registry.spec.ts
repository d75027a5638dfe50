import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RegistryBench } from './registry-bench.fixture.js';

let bench: RegistryBench;
let shop: { id: string; owner: string; member: string; viewer: string };
const admin = 'bws_admin_of_the_tests_0123456789';

beforeAll(async () => {
  bench = await RegistryBench.start();
  const made = await bench.api.project('shop');
  const [owner, member, viewer] = [
    await made.token('owner'),
    await made.token('member'),
    await made.token('viewer'),
  ];
  shop = { id: made.id, owner, member, viewer };
}, 60_000);
afterAll(() => bench.close(), 30_000);

describe('push and pull, by skopeo', () => {
  it('login, push by a member, pull by a viewer', async () => {
    const { layout } = await bench.image();
    const login = await bench.skopeo(
      ...['login', '--cert-dir', `${bench.folder}/certs`, '--authfile', `${bench.folder}/auth.json`],
      ...['-u', 'me', '-p', shop.member, bench.host],
    );
    expect(login).toMatchObject({ ok: true, said: expect.stringContaining('Login Succeeded') });
    expect(await bench.push(layout, `${shop.id}/app:1`, shop.member)).toMatchObject({ ok: true });
    expect(await bench.pull(`${shop.id}/app:1`, shop.viewer)).toMatchObject({ ok: true });
    expect(await bench.pull(`${shop.id}/app:1`, admin)).toMatchObject({ ok: true });
    expect(bench.troubles).toEqual([]);
  });
});
