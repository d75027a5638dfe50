import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OperationId } from '@bellows/domain/ids';
import { BullOperationQueue } from './operation-queue.js';
import { queueContract } from './queue.contract.js';
import { RedisServer, freePort } from './redis-server.fixture.js';

const operation = 'op-00000000000000000001' as OperationId;
const unused = 'postgres://nobody@127.0.0.1:1/none';

describe('the doorbell over Redis', () => {
  let redis: RedisServer;
  let clouds = 0;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.remove());

  queueContract(async () => ({ redisUrl: redis.url, databaseUrl: unused, cloudId: `cloud-${clouds++}` }));

  it('keeps two clouds on one Redis apart', async () => {
    const cloud = (cloudId: string) =>
      new BullOperationQueue({ redisUrl: redis.url, databaseUrl: unused, cloudId }, () => undefined);
    const [one, other] = [cloud('one'), cloud('other')];
    await one.ring([operation]);
    expect([await one.depth(), await other.depth()]).toEqual([1, 0]);
    await Promise.all([one.close(), other.close()]);
  });
});

describe('when Redis is gone', () => {
  it('answers within its deadline, says so once, and rings again when Redis is back', async () => {
    const redis = await RedisServer.start();
    const troubles: string[] = [];
    const settings = { redisUrl: redis.url, databaseUrl: unused, cloudId: 'lost' };
    const queue = new BullOperationQueue(settings, (message) => troubles.push(message));
    await queue.ring([operation]);
    await redis.down();
    const asked = Date.now();
    await Promise.all(Array.from({ length: 50 }, () => queue.ring([operation])));
    await queue.ring([operation]);
    expect(Date.now() - asked).toBeLessThan(7000);
    expect(troubles).toHaveLength(1);
    expect(await queue.depth()).toBeNull();
    await redis.up();
    let depth: number | null = null;
    for (let tries = 0; !depth && tries < 50; tries++) {
      await queue.ring([operation]);
      depth = await queue.depth();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(depth).toBeGreaterThan(0);
    await queue.close();
    await redis.remove();
  }, 30_000);

  it('does not hold up a process that never reached it', async () => {
    const redisUrl = `redis://127.0.0.1:${await freePort()}`;
    const troubles: string[] = [];
    const queue = new BullOperationQueue({ redisUrl, databaseUrl: unused, cloudId: 'none' }, (message) =>
      troubles.push(message),
    );
    await queue.ring([operation]);
    expect(troubles).toHaveLength(1);
    const asked = Date.now();
    await queue.close();
    expect(Date.now() - asked).toBeLessThan(4000);
  }, 15_000);
});
