import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { InstanceId, TokenId } from '@bellows/domain/ids';
import type { AuthorityRecords, DockerAuthority } from '@bellows/operations/ports/docker-authority';
import { DockerAuthorities, signerOf } from './authorities.js';
import { identityIn } from './certificates.js';

const hourMs = 3_600_000;
const halfYearMs = 180 * 24 * hourMs;

/** The table, as the database keeps it. */
class Records implements AuthorityRecords {
  rows: DockerAuthority[] = [];

  async dockerAuthorities(now: number): Promise<DockerAuthority[]> {
    return this.rows.filter(({ expiresAt }) => expiresAt > now);
  }

  async addDockerAuthority(one: DockerAuthority): Promise<void> {
    if (!this.rows.some(({ id }) => id === one.id)) this.rows.push(one);
  }
}

describe('the authorities of the docker port', () => {
  const clock = { now: () => now };
  let now = 0;
  let records: Records;
  const process = (secret = 'the admin token') => new DockerAuthorities(records, clock, secret);
  beforeEach(() => {
    records = new Records();
    now = halfYearMs * 100 + hourMs;
  });

  it('are the same in every process, and after a restart', async () => {
    const all = await Promise.all([process(), process(), process()].map((one) => one.current()));
    expect(new Set(all.map(({ bundle }) => bundle)).size).toBe(1);
    now += hourMs;
    expect((await process().current()).signer).toEqual(all[0]!.signer);
    expect(records.rows).toHaveLength(1);
  });

  it('have keys that the table does not show', async () => {
    const { signer } = await process().current();
    expect(signer.key).toContain('PRIVATE KEY');
    const [row] = records.rows;
    expect(Buffer.from(row!.sealedKey, 'base64url').toString('latin1')).not.toContain('PRIVATE KEY');
  });

  it('sign for who is asked for, until then', async () => {
    const identity = {
      instanceId: 'i-0123456789abcdefghjk' as InstanceId,
      tokenId: 'tok-0123456789abcdefghjk' as TokenId,
      expiresAt: now + hourMs,
    };
    const { ca, certificate } = await process().mint(identity);
    const [read, authority] = [new X509Certificate(certificate), new X509Certificate(ca)];
    expect(identityIn(read)).toEqual(identity);
    expect([read.ca, authority.ca, read.checkIssued(authority)]).toEqual([false, true, true]);
    expect(read.verify(authority.publicKey)).toBe(true);
    expect(identityIn(authority)).toBeNull();
  });

  it('of another secret are not trusted: a new secret ends every certificate', async () => {
    const before = await process().current();
    const after = await process('another').current();
    expect(after.certificates).toHaveLength(1);
    expect(after.certificates).not.toEqual(before.certificates);
    expect(await process().current()).toEqual(before);
  });

  it('that somebody put into the table are not trusted', async () => {
    await process('somebody else').current();
    await process().current();
    const [theirs, ours] = records.rows;
    records.rows.push({ ...theirs!, id: ours!.id.replace(/\d+$/, '1') });
    records.rows.push({ ...ours!, id: ours!.id.replace(/\d+$/, '2') });
    records.rows.push({ ...ours!, id: ours!.id.replace(/\d+$/, '3'), certificate: theirs!.certificate });
    expect((await process().current()).certificates).toEqual([ours!.certificate]);
    records.rows = [{ ...ours!, certificate: theirs!.certificate }];
    await expect(process().current()).rejects.toThrow('cannot be opened');
  });

  it('follow each other every half year; a new one rests for a day before it signs', async () => {
    const first = await process().current();
    now += halfYearMs;
    const second = await process().current();
    expect(second.certificates).toHaveLength(2);
    expect(second.signer).toEqual(first.signer);
    now += 26 * hourMs;
    const later = await process().current();
    expect(later.bundle).toBe(second.bundle);
    expect(later.signer.certificate).toBe(second.certificates[1]);
    now += halfYearMs;
    expect((await process().current()).certificates).not.toContain(first.certificates[0]);
  });

  it('sign from the first moment where there is but one', () => {
    const one = (createdAt: number) => ({ key: '', certificate: String(createdAt), createdAt });
    expect(signerOf([], 0)).toBeUndefined();
    expect(signerOf([one(5), one(6)], 7)?.createdAt).toBe(5);
    expect(signerOf([one(5), one(6), one(7 + 25 * hourMs)], 7 + 25 * hourMs)?.createdAt).toBe(6);
  });
});
