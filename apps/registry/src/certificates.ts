import 'reflect-metadata'; // before x509, which looks for it
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { textIn, writeWhole } from './own-file.js';

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 24 * 3600 * 1000;
const authorityDays = 3650;
const serverDays = 90;
/** Made anew when less than this is left. */
const renewDays = 30;

export interface KeyPair {
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
}

/** The registry's own authority, made once: whoever trusts it trusts every later certificate of this registry. */
export const ensureAuthority = (folder: string): Promise<KeyPair> =>
  ensurePair(folder, 'ca', () => selfSigned('Bellows registry authority', authority));

/** Signs the tokens with which clients come to the registry; the API reads the key, the registry the certificate. */
export const ensureTokenKey = (folder: string): Promise<KeyPair> =>
  ensurePair(folder, 'token', () => selfSigned('Bellows registry tokens', []));

const authority = [
  new x509.BasicConstraintsExtension(true, 0, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
];

/** The certificate that clients see: kept while it names exactly these hosts and is good for a month more. */
export async function ensureServerCertificate(
  folder: string,
  ca: KeyPair,
  hosts: readonly string[],
  now: number,
): Promise<KeyPair> {
  const kept = await pairIn(folder, 'server');
  if (kept && (await serves(kept.certificate, ca, hosts, now))) return kept;
  const made = await issued(ca, hosts, now);
  await writePair(folder, 'server', made);
  return made;
}

async function serves(pem: string, ca: KeyPair, hosts: readonly string[], now: number): Promise<boolean> {
  const certificate = new x509.X509Certificate(pem);
  if (certificate.notAfter.getTime() - now < renewDays * day) return false;
  const named = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const wanted = new Set(hosts);
  if (named.length !== wanted.size || !named.every(({ value }) => wanted.has(value))) return false;
  return certificate.verify({ publicKey: new x509.X509Certificate(ca.certificate), signatureOnly: true });
}

async function issued(ca: KeyPair, hosts: readonly string[], now: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const issuer = new x509.X509Certificate(ca.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=Bellows registry',
    issuer: issuer.subject,
    notBefore: new Date(now - day),
    notAfter: new Date(now + serverDays * day),
    publicKey: keys.publicKey,
    signingKey: await signingKey(ca.key),
    signingAlgorithm: curve,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { key: await pemOf(keys.privateKey), certificate: certificate.toString('pem') };
}

async function selfSigned(name: string, extensions: x509.Extension[]): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(now - day),
    notAfter: new Date(now + authorityDays * day),
    keys,
    signingAlgorithm: curve,
    extensions: [...extensions, await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return { key: await pemOf(keys.privateKey), certificate: certificate.toString('pem') };
}

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

const signingKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decode(pem)[0]!, curve, false, ['sign']);

const pathsOf = (folder: string, name: string) =>
  [join(folder, `${name}-key.pem`), join(folder, `${name}.pem`)] as const;

async function pairIn(folder: string, name: string): Promise<KeyPair | null> {
  const [key, certificate] = await Promise.all(pathsOf(folder, name).map(textIn));
  return key && certificate ? { key, certificate } : null;
}

/** The certificate last: a pair that is cut short is no pair, and is made anew. */
async function writePair(folder: string, name: string, pair: KeyPair): Promise<void> {
  const [key, certificate] = pathsOf(folder, name);
  await writeWhole(key, `${pair.key.trim()}\n`);
  await writeWhole(certificate, `${pair.certificate.trim()}\n`, 0o644);
}

async function ensurePair(folder: string, name: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const kept = await pairIn(folder, name);
  if (kept) return kept;
  await writePair(folder, name, await make());
  return (await pairIn(folder, name))!;
}
