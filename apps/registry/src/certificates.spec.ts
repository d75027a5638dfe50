import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureAuthority, ensureServerCertificate } from './certificates.js';

const day = 24 * 3_600_000;
let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'bellows-certificates-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('certificates of the registry', () => {
  it('come from an authority that is made once', async () => {
    const ca = await ensureAuthority(folder);
    expect(await ensureAuthority(folder)).toEqual(ca);
    const { certificate } = await ensureServerCertificate(folder, ca, ['10.77.0.1', 'localhost'], Date.now());
    const [server, authority] = [new X509Certificate(certificate), new X509Certificate(ca.certificate)];
    expect(server.verify(authority.publicKey)).toBe(true);
    expect(server.checkIssued(authority)).toBe(true);
    expect([server.checkIP('10.77.0.1'), server.checkHost('localhost')]).toEqual(['10.77.0.1', 'localhost']);
    expect([server.ca, authority.ca]).toEqual([false, true]);
  });

  it('are kept while they serve, and made anew for other hosts, when they run out, or for another authority', async () => {
    const ca = await ensureAuthority(folder);
    const now = Date.now();
    const serial = async (hosts: string[], at: number, by = ca) =>
      new X509Certificate((await ensureServerCertificate(folder, by, hosts, at)).certificate).serialNumber;
    const first = await serial(['127.0.0.1'], now);
    expect(await serial(['127.0.0.1'], now + 59 * day)).toBe(first);
    const renewed = await serial(['127.0.0.1'], now + 61 * day);
    expect(renewed).not.toBe(first);
    const wider = await serial(['127.0.0.1', '10.77.0.1'], now + 61 * day);
    expect(wider).not.toBe(renewed);
    await Promise.all(['ca.pem', 'ca-key.pem'].map((name) => rm(join(folder, name))));
    const another = await ensureAuthority(folder);
    expect(await serial(['127.0.0.1', '10.77.0.1'], now + 61 * day, another)).not.toBe(wider);
  });
});
