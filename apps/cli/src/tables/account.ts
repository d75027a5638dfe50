import type { Project, Token } from '@bellows/api-client/client';
import type { components } from '@bellows/api-client/schema';
import { toned, type Toned } from '../format/styles.js';
import type { Column } from '../format/table.js';
import { age, disk, duration, memory, moment, shareOf } from '../format/units.js';

type Quota = components['schemas']['QuotaView'];
type Usage = components['schemas']['UsageView'];
type IpPool = components['schemas']['IpPoolView'];

export const projectColumns: Column<Project>[] = [
  { header: 'NAME', cell: ({ name }) => toned(name, 'strong') },
  { header: 'AGE', cell: ({ createdAt }, now) => age(createdAt, now), align: 'right' },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

function tokenState({ revokedAt, expiresAt }: Token, now: number): Toned {
  if (revokedAt !== null) return toned('✗ revoked', 'faint');
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return toned('○ expired', 'faint');
  return toned('● valid', 'good');
}

export const tokenColumns: Column<Token>[] = [
  { header: 'NAME', cell: ({ name }) => toned(name, 'strong') },
  { header: 'STATE', cell: tokenState },
  { header: 'ROLE', cell: ({ role }) => role },
  { header: 'PROJECT', cell: ({ projectId }) => projectId ?? '—' },
  { header: 'EXPIRES', cell: ({ expiresAt }) => (expiresAt === null ? 'never' : moment(expiresAt)) },
  { header: 'AGE', cell: ({ createdAt }, now) => age(createdAt, now), align: 'right' },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

export const ipPoolColumns: Column<IpPool>[] = [
  { header: 'NETWORK', cell: ({ cidr }) => toned(cidr, 'strong') },
  { header: 'KIND', cell: ({ kind }) => kind },
  { header: 'MODE', cell: ({ mode }) => mode },
  { header: 'GATEWAY', cell: ({ gateway }) => gateway },
  { header: 'ZONE', cell: ({ zone }) => zone ?? 'all' },
  { header: 'USED', cell: ({ used, size }) => shareOf(used, size, 'count'), align: 'right' },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

const share = (dimension: keyof Quota['limit'], unit: 'memory' | 'disk' | 'count') => (quota: Quota) => {
  const [used, limit] = [quota.used[dimension], quota.limit[dimension]];
  const text = shareOf(used, limit, unit);
  return used >= limit ? toned(text, 'busy') : text;
};

export const quotaColumns: Column<Quota>[] = [
  { header: 'PROJECT', cell: ({ projectId }) => toned(projectId, 'strong') },
  { header: 'INSTANCES', cell: share('instances', 'count'), align: 'right' },
  { header: 'VCPU', cell: share('vcpus', 'count'), align: 'right' },
  { header: 'MEMORY', cell: share('ramMib', 'memory'), align: 'right' },
  { header: 'DISK', cell: share('diskGib', 'disk'), align: 'right' },
];

export const usageColumns: Column<Usage>[] = [
  { header: 'INSTANCE', cell: ({ instanceId }) => instanceId },
  { header: 'PLAN', cell: ({ plan }) => plan },
  { header: 'VCPU', cell: ({ held }) => String(held.vcpus), align: 'right' },
  { header: 'MEMORY', cell: ({ held }) => memory(held.ramMib), align: 'right' },
  { header: 'DISK', cell: ({ held }) => disk(held.diskGib), align: 'right' },
  { header: 'FROM', cell: ({ from }) => moment(from) },
  { header: 'UNTIL', cell: ({ until }) => (until === null ? toned('goes on', 'good') : moment(until)) },
  {
    header: 'FOR',
    cell: ({ seconds }) => (seconds < 60 ? `${seconds} s` : duration(seconds * 1000)),
    align: 'right',
  },
  { header: 'PROJECT', cell: ({ projectId }) => projectId, wide: true },
];
