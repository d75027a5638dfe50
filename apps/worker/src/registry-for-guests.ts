import { readFileSync } from 'node:fs';
import type { Settings } from '@bellows/config/settings';

/** The registry as guests reach it: at an address of it that is not this machine's alone. */
export function registryForGuests({
  registry,
}: Pick<Settings, 'registry'>): { address: string; authority: string | null } | undefined {
  const address = registry?.addresses.find((one) => !/^(127\.|localhost:|\[::1\])/.test(one));
  if (!registry || address === undefined) return undefined;
  return { address, authority: registry.caFile && readFileSync(registry.caFile, 'utf8') };
}
