import { hostname, networkInterfaces } from 'node:os';

export const isAny = (bind: string): boolean => bind === '0.0.0.0' || bind === '::';

/** Of every network this machine is on; a link-local one means nothing without its link. */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^fe80:/i.test(address))
    .sort();

/**
 * Names and addresses that clients may reach a port of this machine by; the best known first.
 * @param host what the operator says they do.
 */
export function namesOf({ bind, host }: { bind: string; host: string | null }): string[] {
  const here = ['localhost', '127.0.0.1', '::1'];
  const everywhere = isAny(bind) ? [hostname(), ...ownAddresses()] : [bind];
  return [...new Set([...(host === null ? [] : [host]), ...everywhere, ...here])].filter(isName);
}

/** What a certificate can hold: some machines have names with an underscore, which no client accepts. */
const isName = (name: string): boolean => /^[A-Za-z0-9.:-]{1,253}$/.test(name);
