/** A run of IPv4 addresses: its first one as a number, and how many there are. */
export interface Block {
  readonly first: number;
  readonly size: number;
}

/** Dotted decimal without leading zeros; null for anything else. */
export function addressNumber(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return null;
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Null when it is no IPv4 network of /8 to /30, or has host bits set. */
export function parseCidr(text: string): Block | null {
  const [address = '', bits = '', ...rest] = text.split('/');
  const first = addressNumber(address);
  if (first === null || rest.length > 0 || !/^([89]|[12]\d|30)$/.test(bits)) return null;
  const size = 2 ** (32 - Number(bits));
  return first % size === 0 ? { first, size } : null;
}
