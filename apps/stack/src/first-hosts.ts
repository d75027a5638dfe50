import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { HostSource } from '@bellows/config/host-sources';
import type { ApiCaller, Problem } from './api-caller.js';

interface HostBody {
  readonly name: string;
  readonly driver: 'sim' | 'libvirt';
  readonly zone: string;
  readonly uri?: string;
  readonly vcpus?: number;
  readonly ramMib?: number;
  readonly diskGib?: number;
}

interface Pool {
  readonly cidr: string;
  readonly gateway: string;
  readonly kind: 'public' | 'private';
  readonly mode: 'routed';
  readonly zone: string;
}

/** Modelled guests send no packets: any block will do that nothing else here uses. RFC 2544 is for tests. */
const simPools: readonly Pool[] = [
  { cidr: '10.128.0.0/10', gateway: '10.128.0.1', kind: 'private', mode: 'routed', zone: 'sim' },
  { cidr: '198.18.0.0/15', gateway: '198.18.0.1', kind: 'public', mode: 'routed', zone: 'sim' },
];
/** What infra/host/install.sh sets up; the public block is RFC 5737's, to be replaced by the operator's own. */
const localPools: readonly Pool[] = [
  { cidr: '10.77.0.0/16', gateway: '10.77.0.1', kind: 'private', mode: 'routed', zone: 'local' },
  { cidr: '203.0.113.0/24', gateway: '203.0.113.1', kind: 'public', mode: 'routed', zone: 'local' },
];

const atOnce = 16;
const enrolledMark = 'hosts-enrolled';

/** Servers are named in the order they were asked for: `sim-1` …, `local-1` …. */
export function hostBodies(sources: readonly HostSource[]): HostBody[] {
  const bodies: HostBody[] = [];
  let sims = 0;
  let locals = 0;
  for (const source of sources) {
    if (source.driver === 'libvirt') {
      bodies.push({ name: `local-${++locals}`, driver: 'libvirt', zone: 'local', uri: source.uri });
      continue;
    }
    const { vcpus, ramMib, diskGib } = source;
    for (let count = 0; count < source.count; count++) {
      bodies.push({ name: `sim-${++sims}`, driver: 'sim', zone: 'sim', vcpus, ramMib, diskGib });
    }
  }
  return bodies;
}

/** 409: it is there already, from an earlier start that was interrupted, or overlaps what the cloud came with. */
const there = ({ status }: Problem) => status === 409;

/**
 * Enrols what `BELLOWS_HOSTS` names, at the first start only: an operator may have removed some since.
 * @returns problems, fit to be shown; with any, the next start tries again.
 */
export async function enrolFirstHosts(
  home: string,
  sources: readonly HostSource[],
  api: ApiCaller,
): Promise<string[]> {
  const mark = join(home, enrolledMark);
  if (existsSync(mark)) return [];
  const problems: string[] = [];
  const drivers = new Set(sources.map(({ driver }) => driver));
  const pools = [...(drivers.has('sim') ? simPools : []), ...(drivers.has('libvirt') ? localPools : [])];
  for (const pool of pools) {
    const refused = await api.post('/v1/ip-pools', pool);
    if (refused && !there(refused)) problems.push(`IP pool ${pool.cidr}: ${refused.detail}`);
  }
  const bodies = hostBodies(sources);
  const known = await api.hostNames();
  const missing = bodies.filter(({ name }) => !known.has(name));
  for (let start = 0; start < missing.length; start += atOnce) {
    await Promise.all(
      missing.slice(start, start + atOnce).map(async (body) => {
        const refused = await api.post('/v1/hosts', body);
        if (refused) problems.push(`server ${body.name} (${body.uri ?? 'modelled'}): ${refused.detail}`);
      }),
    );
  }
  if (problems.length === 0) await writeFile(mark, `${bodies.length}\n`, { mode: 0o600 });
  return problems;
}
