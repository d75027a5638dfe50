import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testCloud, type TestCloud } from './cloud.fixture.js';

describe('authorities of the docker port', () => {
  let cloud: TestCloud;
  beforeEach(async () => void (cloud = await testCloud()));
  afterEach(() => cloud.close());

  const one = (id: string, createdAt: number, expiresAt = createdAt + 1_000) => ({
    id,
    certificate: `certificate of ${createdAt}`,
    sealedKey: 'sealed',
    createdAt,
    expiresAt,
  });

  it('are made once, whoever makes them', async () => {
    await Promise.all([1, 2, 3].map((at) => cloud.store.addDockerAuthority(one('a', at))));
    const [kept, ...others] = await cloud.store.dockerAuthorities(10);
    expect(others).toEqual([]);
    await cloud.store.addDockerAuthority(one('a', 9));
    expect(await cloud.store.dockerAuthorities(10)).toEqual([kept]);
  });

  it('are listed oldest first until they expire, and forgotten then', async () => {
    await cloud.store.addDockerAuthority(one('late', 500));
    await cloud.store.addDockerAuthority(one('early', 100));
    const ids = async (now: number) => (await cloud.store.dockerAuthorities(now)).map(({ id }) => id);
    expect(await ids(600)).toEqual(['early', 'late']);
    expect(await ids(1_100)).toEqual(['late']);
    await cloud.store.addDockerAuthority(one('next', 1_200));
    expect(await ids(0)).toEqual(['late', 'next']);
  });
});
