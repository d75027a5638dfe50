/** The addresses of an IPv4 pool that may be handed out, counted from 0. */
export interface IpRange {
  readonly prefixLength: number;
  /** Without network, gateway and broadcast. */
  readonly size: number;
  /** @param index 0 … size − 1; a different address for each. */
  addressAt(index: number): string;
}

const toNumber = (address: string): number => {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new RangeError(`${address} is not an IPv4 address`);
  }
  return parts.reduce((sum, part) => sum * 256 + part, 0);
};
const toText = (n: number): string => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.');

/**
 * @param cidr `10.64.0.0/10`; a /31 or /32 has no address to hand out.
 * @param gateway may lie outside the range (routed pools); then nothing is skipped for it.
 * Throws RangeError on anything but IPv4.
 */
export function ipRange(cidr: string, gateway: string): IpRange {
  const [network = '', length = '32'] = cidr.split('/');
  const prefixLength = Number(length);
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 32) {
    throw new RangeError(`${cidr} is not an IPv4 range`);
  }
  const total = 2 ** (32 - prefixLength);
  const first = Math.floor(toNumber(network) / total) * total;
  const skipped = toNumber(gateway) - first;
  const gatewayInside = skipped > 0 && skipped < total - 1;
  return {
    prefixLength,
    size: Math.max(0, total - 2 - (gatewayInside ? 1 : 0)),
    addressAt: (index) => {
      const offset = index + 1;
      return toText(first + (gatewayInside && offset >= skipped ? offset + 1 : offset));
    },
  };
}
