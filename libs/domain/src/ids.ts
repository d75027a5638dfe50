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
}

export type IdKind = keyof IdByKind;

/** Makes a new identifier; the caller passes the source of chance in (virtual clock, tests). */
export type NewId = <Kind extends IdKind>(kind: Kind) => IdByKind[Kind];

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const bodyLength = 20;

/** @param randomBytes returns that many uniformly random bytes, 0..255 each. */
export function idSource(randomBytes: (count: number) => Uint8Array): NewId {
  return <Kind extends IdKind>(kind: Kind) => {
    let body = '';
    for (const byte of randomBytes(bodyLength)) body += alphabet[byte & 31];
    return `${idPrefix[kind]}-${body}` as IdByKind[Kind];
  };
}

export function looksLikeId(kind: IdKind, text: string): boolean {
  const prefix = `${idPrefix[kind]}-`;
  return text.startsWith(prefix) && /^[0-9a-hjkmnp-tv-z]{20}$/.test(text.slice(prefix.length));
}
