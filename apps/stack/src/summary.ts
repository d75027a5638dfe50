import { join } from 'node:path';
import type { Settings } from '@bellows/config/settings';

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** What runs, and what it stands for. */
export function summaryOf(
  settings: Settings,
  {
    url,
    dockerUrl,
    registry,
  }: { readonly url: string; readonly dockerUrl: string | null; readonly registry: string | null },
): string {
  const rows: [string, string][] = [
    ['API', url],
    ['API docs', `${url}/docs`],
    ...(dockerUrl === null ? [] : ([['docker, TLS', dockerUrl]] satisfies [string, string][])),
    [
      'admin token',
      settings.adminToken === null ? join(settings.home, 'admin-token') : 'the one in BELLOWS_ADMIN_TOKEN',
    ],
    ...serversOf(settings),
    [
      'registry',
      registry === null
        ? 'none runs; apt-get install docker-registry installs what it needs'
        : `${registry} (docker login: any user, a token as the password)`,
    ],
    ['database', settings.databaseUrl === null ? 'embedded PostgreSQL' : 'PostgreSQL at DATABASE_URL'],
    ['queue', settings.redisUrl === null ? 'BullMQ on PostgreSQL' : 'BullMQ on Redis'],
    ['state, logs', `${settings.home}, ${join(settings.home, 'logs')}`],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  return ['', 'Bellows is ready.', '', ...lines, '', 'Ctrl-C stops everything.', ''].join('\n');
}

function serversOf({ hosts, simLatency }: Settings): [string, string][] {
  const rows: [string, string][] = [];
  const modelled = sum(hosts.map((source) => (source.driver === 'sim' ? source.count : 0)));
  if (modelled > 0) {
    const latency = simLatency === 1 ? 'latencies as measured' : `latencies × ${simLatency}`;
    const servers = modelled === 1 ? 'server' : 'servers';
    rows.push(['servers', `${modelled} SIMULATED ${servers} (${latency}): no real virtual machine runs`]);
  }
  for (const source of hosts) {
    if (source.driver === 'libvirt') rows.push(['server', `${source.uri}: real virtual machines`]);
  }
  return rows;
}
