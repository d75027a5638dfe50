// The library's container of algorithms needs it.
import 'reflect-metadata';
import { createPrivateKey, webcrypto, type X509Certificate as SeenCertificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
  type JsonGeneralName,
} from '@peculiar/x509';
import { looksLikeId, type InstanceId, type TokenId } from '@bellows/domain/ids';
import type { DockerIdentity } from '@bellows/operations/instance/docker-certificate';
import type { EpochMs } from '@bellows/operations/ports/rows';

/** PEM, both; the key as PKCS #8. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** Both ends included. */
export interface Validity {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

const { subtle } = webcrypto;
type Pair = webcrypto.CryptoKeyPair;

/** ECDSA on P-256 with SHA-256: what every TLS stack knows, and quick to make. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const freshPair = (): Promise<Pair> => subtle.generateKey(algorithm, true, ['sign', 'verify']);

async function keyPem({ privateKey }: Pair): Promise<string> {
  const der = Buffer.from(await subtle.exportKey('pkcs8', privateKey));
  const exported = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return exported.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** A line of its own at the end: certificates are put behind each other. */
const pemOf = (made: X509Certificate): string => `${made.toString('pem').trimEnd()}\n`;

function signingKey({ key }: KeyAndCertificate): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  return subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

const validityOf = ({ from, to }: Validity) => ({ notBefore: new Date(from), notAfter: new Date(to) });

/** One that signs certificates for the ends of connections, and no further authorities. */
export async function makeAuthority(name: string, validity: Validity): Promise<KeyAndCertificate> {
  const pair = await freshPair();
  const made = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [name] }],
      keys: pair,
      signingAlgorithm: algorithm,
      ...validityOf(validity),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(pair.publicKey),
      ],
    },
    webcrypto,
  );
  return { key: await keyPem(pair), certificate: pemOf(made) };
}

interface Leaf {
  readonly name: string;
  readonly names: JsonGeneralName[];
  readonly usage: ExtendedKeyUsage;
}

async function sign(
  authority: KeyAndCertificate,
  { name, names, usage }: Leaf,
  validity: Validity,
): Promise<KeyAndCertificate> {
  const pair = await freshPair();
  const issuer = new X509Certificate(authority.certificate);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage], true),
    new SubjectAlternativeNameExtension(names),
    await AuthorityKeyIdentifierExtension.create(issuer),
  ];
  const made = await X509CertificateGenerator.create(
    {
      subject: [{ CN: [name] }],
      issuer: issuer.subjectName,
      publicKey: pair.publicKey,
      signingKey: await signingKey(authority),
      signingAlgorithm: algorithm,
      ...validityOf(validity),
      extensions,
    },
    webcrypto,
  );
  return { key: await keyPem(pair), certificate: pemOf(made) };
}

/** @param names host names and IP addresses that clients reach the port by. */
export const signServer = (authority: KeyAndCertificate, names: readonly string[], validity: Validity) =>
  sign(
    authority,
    {
      name: 'bellows docker port',
      names: names.map((value) => ({ type: isIP(value) > 0 ? 'ip' : 'dns', value })),
      usage: ExtendedKeyUsage.serverAuth,
    },
    validity,
  );

const prefix = 'urn:bellows:docker';

/** Names the token and never holds its secret. */
export const signClient = (
  authority: KeyAndCertificate,
  { instanceId, tokenId, expiresAt }: DockerIdentity,
  from: EpochMs,
) =>
  sign(
    authority,
    {
      name: instanceId,
      names: [{ type: 'url', value: `${prefix}:${instanceId}:${tokenId}` }],
      usage: ExtendedKeyUsage.clientAuth,
    },
    { from, to: expiresAt },
  );

const form = new RegExp(`^URI:${prefix}:(i-[0-9a-z]+):(tok-[0-9a-z]+)$`);

/** Whom a certificate stands for; the caller has checked who signed it. Null: for nobody at an instance. */
export function identityIn({ subjectAltName, validTo }: SeenCertificate): DockerIdentity | null {
  const [, instanceId = '', tokenId = ''] = form.exec(subjectAltName ?? '') ?? [];
  const expiresAt = Date.parse(validTo);
  if (!looksLikeId('instance', instanceId) || !looksLikeId('token', tokenId)) return null;
  if (!Number.isFinite(expiresAt)) return null;
  return { instanceId: instanceId as InstanceId, tokenId: tokenId as TokenId, expiresAt };
}
