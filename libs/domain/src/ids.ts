/** Opaque identifiers. Each is its kind's prefix, a dash and 20 characters of Crockford-style base 32. */
type Brand<Name extends string> = string & { readonly __brand: Name };

export type InstanceId = Brand<'InstanceId'>;
export type HostId = Brand<'HostId'>;
export type OperationId = Brand<'OperationId'>;
export type ProjectId = Brand<'ProjectId'>;
export type TokenId = Brand<'TokenId'>;
export type ImageId = Brand<'ImageId'>;
export type IpPoolId = Brand<'IpPoolId'>;
export type EventId = Brand<'EventId'>;
export type ResizePlanId = Brand<'ResizePlanId'>;
export type EngineJobId = Brand<'EngineJobId'>;

export const idPrefix = {
  instance: 'i',
  host: 'h',
  operation: 'op',
  project: 'prj',
  token: 'tok',
  image: 'img',
  ipPool: 'pool',
  event: 'evt',
  resizePlan: 'rsz',
  audit: 'aud',
  engineJob: 'job',
} as const;

export interface IdByKind {
  instance: InstanceId;
  host: HostId;
  operation: OperationId;
  project: ProjectId;
  token: TokenId;
  image: ImageId;
  ipPool: IpPoolId;
  event: EventId;
  resizePlan: ResizePlanId;
  audit: string;
  engineJob: EngineJobId;
}

export type IdKind = keyof IdByKind;

/** Makes a new identifier; the caller passes the source of chance in (virtual clock, tests). */
export type NewId = <Kind extends IdKind>(kind: Kind) => IdByKind[Kind];

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const bodyLength = 20;

/** Ids drawn at once: a system call for each would cost more than all the rest of it. */
const idsAtOnce = 64;

/** @param randomBytes returns that many uniformly random bytes, 0..255 each; asked for many ids' worth at a time. */
export function idSource(randomBytes: (count: number) => Uint8Array): NewId {
  let drawn: Uint8Array = new Uint8Array();
  let used = 0;
  return <Kind extends IdKind>(kind: Kind) => {
    if (used === drawn.length) [drawn, used] = [randomBytes(bodyLength * idsAtOnce), 0];
    let body = '';
    for (const end = used + bodyLength; used < end; used++) body += alphabet[drawn[used]! & 31];
    return `${idPrefix[kind]}-${body}` as IdByKind[Kind];
  };
}

export function looksLikeId(kind: IdKind, text: string): boolean {
  const prefix = `${idPrefix[kind]}-`;
  return text.startsWith(prefix) && /^[0-9a-hjkmnp-tv-z]{20}$/.test(text.slice(prefix.length));
}
