/**
 * What the way in costs: the Docker Engine API of a real guest through Bellows (API, gateway, virtio-serial) against
 * the same daemon by TCP over the guest's own network, in turns. Needs root and a host made by infra/host/install.sh.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, startCloud, type TestCloud } from '@bellows/e2e/support/cloud';
import { GuestShell, makeSshKey } from '@bellows/e2e/support/guest-shell';
import { DockerCli } from '@bellows/e2e/support/docker-cli';
import { freeHost, run } from '@bellows/e2e/support/host';
import { DockerLine, zeros } from './docker-line.js';
import { median, report, round } from './report.js';

const pairs = Number(process.env['BELLOWS_BENCH_PAIRS'] ?? 100);
const transfers = Number(process.env['BELLOWS_BENCH_TRANSFERS'] ?? 5);
const streams = 500;
const bytes = 100 * 1024 * 1024;
const image = process.env['BELLOWS_BENCH_IMAGE'] ?? 'debian-12-micro';

await run('sh', [`${root}/infra/host/netns-lab.sh`, 'up']);
await freeHost();
const cloud = await startCloud({ hosts: 'libvirt:qemu:///system' });
let id = '';
try {
  const key = await makeSshKey();
  const asked = { name: 'bench', plan: 'ecs-1c1g', image, sshKeys: [key.publicKey] };
  const created = await cloud.call('POST', '/v1/instances', asked);
  if (created.status !== 202) throw new Error(JSON.stringify(created.body));
  id = created.body.instance.id;
  const operation = await cloud.ended(created, 600_000);
  if (operation.state !== 'succeeded') throw new Error(`no guest: ${JSON.stringify(operation)}`);
  const { addresses } = (await cloud.call('GET', `/v1/instances/${id}`)).body;
  const address = addresses.find(({ kind }: { kind: string }) => kind === 'public').address as string;
  const through = new DockerLine(`${cloud.url}/v1/instances/${id}/docker`, cloud.token);
  const direct = new DockerLine(`http://${address}:2375`);
  await through.ready();
  await listenOnTcp(new GuestShell(address, key.path));
  await direct.ready();
  await through.ready();
  const cli = await DockerCli.pointedAt(cloud.url, id, cloud.token);
  const said = await cli.buildBusybox();
  if (said.code !== 0) throw new Error(said.text);
  const container = await through.runs(
    'busybox',
    'i=0; while true; do i=$((i+1)); echo line $i; sleep 1; done',
  );

  const small: { direct: number; through: number }[] = [];
  for (let i = -5; i < pairs; i++) {
    const pair = {
      direct: await direct.took('/containers/json'),
      through: await through.took('/containers/json'),
    };
    if (i >= 0) small.push(pair);
  }
  const up: typeof small = [];
  const down: typeof small = [];
  for (let i = -1; i < transfers; i++) {
    const pair = {
      direct: await direct.uploads(container, zeros(bytes)),
      through: await through.uploads(container, zeros(bytes)),
    };
    const back = { direct: await direct.downloads(container), through: await through.downloads(container) };
    if (i < 0) continue;
    up.push(pair);
    down.push(back);
  }
  const before = memoryMib(cloud);
  const following = await Promise.all(Array.from({ length: streams }, () => through.follows(container)));
  await sleep(10_000);
  const opened = memoryMib(cloud);
  await sleep(30_000);
  const after = memoryMib(cloud);
  const heard = following.filter(({ lines }) => lines() >= 30).length;
  for (const { end } of following) end();
  report(
    {
      bench: 'docker',
      image,
      pairs,
      listDirectMs: round(median(small.map((pair) => pair.direct))),
      listThroughMs: round(median(small.map((pair) => pair.through))),
      listAddedMs: round(median(small.map((pair) => pair.through - pair.direct))),
      uploadMib: 100,
      uploadDirectMs: round(median(up.map((pair) => pair.direct))),
      uploadRatio: round(median(up.map((pair) => pair.direct / pair.through))),
      downloadDirectMs: round(median(down.map((pair) => pair.direct))),
      downloadRatio: round(median(down.map((pair) => pair.direct / pair.through))),
      streams,
      streamsHeard: heard,
      memoryMib: { before, opened, after },
      aims: { listAddedMs: 2, uploadRatio: 0.7, downloadRatio: 0.7, streamsHeard: streams },
    },
    heard === streams ? [] : [`${streams - heard} of ${streams} streams fell behind`],
  );
} finally {
  if (id) await cloud.ended(await cloud.call('DELETE', `/v1/instances/${id}`)).catch(() => undefined);
  const { body: hosts } = await cloud.call('GET', '/v1/hosts');
  for (const host of hosts.items) await cloud.call('DELETE', `/v1/hosts/${host.id}`);
  await cloud.stop();
}
process.exit();

/** For the bench alone: the guest's daemon listens on its network too, with no one to ask who calls. */
async function listenOnTcp(shell: GuestShell): Promise<void> {
  await shell.reachable();
  await shell.run(
    `sed -i 's#-H unix:///run/docker.sock#& -H tcp://0.0.0.0:2375#' /usr/lib/bellows/engine && kill "$(cat /run/docker.pid)"`,
  );
}

/** Resident memory of the processes a docker call passes, in MiB. */
function memoryMib({ supervisor }: TestCloud): Record<string, number> {
  const found: Record<string, number> = {};
  const children = readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8');
  for (const pid of children.trim().split(' ')) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const name = /apps\/(api|gateway)\/dist\/main/.exec(command)?.[1];
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (name) found[name] = Math.round(Number(kib) / 1024);
  }
  return found;
}
