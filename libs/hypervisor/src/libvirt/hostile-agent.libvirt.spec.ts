import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomInt } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { idSource, type HostId } from '@bellows/domain/ids';
import type { Fence, GuestObservation } from '@bellows/operations/ports/host-driver';
import { elasticSpec } from './guest-spec.fixture.js';
import { LibvirtDriver } from './libvirt-driver.js';

/** Answers by the number of the command: a lie, then deep, long, longer than libvirt carries, endless, silent. */
const hostileAgent = `#!/bin/sh
cat > /root/hostile.pl <<'PERL'
$| = 1;
open my $port, '+<:raw', '/dev/virtio-ports/org.qemu.guest_agent.0' or die;
select $port; $| = 1;
my $asked = 0;
my %lie = (
  'guest-get-vcpus' => '[' . join(',', map { '{"logical-id":' . $_ . ',"online":true,"can-offline":true}' } 0 .. 63) . ']',
  'guest-get-memory-block-info' => '{"size":134217728}',
  'guest-get-memory-blocks' => '[' . join(',', map { '{"phys-index":' . $_ . ',"online":true,"can-offline":true}' } 0 .. 255) . ']',
);
while (my $line = <$port>) {
  if ($line =~ /guest-sync.*"id": *(\\d+)/) { print $port '{"return":' . $1 . "}\\n"; next }
  my ($command) = $line =~ /"execute": *"([a-z-]+)"/ or next;
  $asked++;
  if ($asked <= 3) { print $port '{"return":' . ($lie{$command} // '{}') . "}\\n" }
  elsif ($asked == 4) { print $port '{"return":' . ('[' x 5000) . (']' x 5000) . "}\\n" }
  elsif ($asked == 5) { print $port '{"return":"' . ('x' x 1000000) . '"}' . "\\n" }
  elsif ($asked == 6) { print $port '{"return":"' . ('x' x 6000000) . '"}' . "\\n" }
  elsif ($asked == 7) { for (1 .. 40) { print $port 'x' x 1000000 } }
  else { sleep 3600 }
}
PERL
cat > /root/fake-ga <<'SH'
#!/bin/sh
exec perl /root/hostile.pl
SH
chmod 755 /root/fake-ga
cp /root/fake-ga /usr/sbin/qemu-ga.new && mv /usr/sbin/qemu-ga.new /usr/sbin/qemu-ga
kill $(pidof qemu-ga)
`;

const bootMs = 180_000;
const attackMs = 60_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a guest whose agent is hostile', () => {
  const driver = new LibvirtDriver();
  const uri = process.env['BELLOWS_TEST_LIBVIRT_URI'] ?? 'qemu:///system';
  const host = { id: 'h-hostile' as HostId, driver: 'libvirt', uri } as const;
  const instanceId = idSource((count) => randomBytes(count))('instance');
  const spec = elasticSpec(instanceId, randomInt(1, 0xfffe), { userData: hostileAgent });
  const fence = (): Fence => ({
    controllerId: 'hostile-suite',
    instanceId,
    token: 1,
    deadline: Date.now() + 60_000,
  });
  const observe = (): Promise<GuestObservation> =>
    driver.observeGuest(host, instanceId, { askGuest: true, deadline: Date.now() + 10_000 });

  beforeAll(async () => {
    await driver.ensureVolumes(host, fence(), spec);
    await driver.ensureStarted(host, fence(), spec);
  }, 120_000);

  afterAll(async () => {
    await driver.ensureAbsent(host, fence());
    await driver.close();
  }, 60_000);

  it(
    'is honest until its owner has taken over',
    async () => {
      const until = Date.now() + bootMs;
      while ((await observe()).guest === null && Date.now() < until) await sleep(200);
      expect(Date.now()).toBeLessThan(until);
    },
    bootMs + 10_000,
  );

  it(
    'harms nobody else: the host answers, the loop turns, nothing that is held changes',
    async () => {
      const loop = monitorEventLoopDelay({ resolution: 10 });
      const rssBefore = process.memoryUsage().rss;
      const hostMs: number[] = [];
      let last: GuestObservation | null = null;
      const until = Date.now() + attackMs;
      loop.enable();
      while (Date.now() < until) {
        const started = performance.now();
        const [seen] = await Promise.all([
          observe(),
          driver.listGuests(host).then(() => hostMs.push(performance.now() - started)),
        ]);
        expect(seen).toMatchObject({
          power: 'running',
          held: spec.size,
          plugged: { vcpus: 1, ramMib: 1024 },
        });
        // 64 CPUs and 32 GiB are claimed at first.
        if (seen.guest) expect(seen.guest).toEqual({ vcpus: 1, ramMib: 1024 });
        last = seen;
        await sleep(100);
      }
      loop.disable();
      // Silent in the end: it was the hostile one that was asked.
      expect(last).toMatchObject({ guest: null });
      const figures = {
        loopP99Ms: loop.percentile(99) / 1e6,
        loopMaxMs: loop.max / 1e6,
        rssGrowthMib: (process.memoryUsage().rss - rssBefore) / 2 ** 20,
        slowestNeighbourCallMs: Math.max(...hostMs),
      };
      process.stdout.write(`hostile agent: ${JSON.stringify(figures)}\n`);
      expect(figures.rssGrowthMib).toBeLessThan(200);
      expect(figures.slowestNeighbourCallMs).toBeLessThan(4_000);
    },
    attackMs + 30_000,
  );

  it('is stopped without being asked', async () => {
    const started = Date.now();
    await driver.ensureStopped(host, fence(), 0);
    expect(Date.now() - started).toBeLessThan(15_000);
    expect((await observe()).power).toBe('stopped');
  }, 60_000);
});
