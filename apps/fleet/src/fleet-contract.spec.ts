import { describeHostDriver } from '@bellows/hypervisor/host-driver.contract';
import { hostOf, serverOf, specOf } from '@bellows/hypervisor/sim/guest-spec.fixture';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import { secret, temporaryHome } from './fleet.fixture.js';
import { runFleet } from './fleet-process.js';

const listens = [
  { at: 'tcp', latencyScale: 0, listen: () => ({ kind: 'tcp', host: '127.0.0.1', port: 0 }) as const },
  {
    at: 'a unix socket',
    latencyScale: 0.05,
    listen: (home: string) => ({ kind: 'unix', path: `${home}/fleet.sock` }) as const,
  },
];

for (const { at, latencyScale, listen } of listens) {
  describeHostDriver(
    `SimDriver and the fleet over ${at}, latency ${latencyScale}`,
    async () => {
      const home = await temporaryHome();
      const folder = `${home.path}/fleet`;
      const settings = {
        listen: listen(home.path),
        folder,
        latencyScale,
        seed: 'contract',
        secret,
        sync: true,
      };
      const fleet = await runFleet(settings, (error) => {
        throw error;
      });
      const driver = new SimDriver({ url: fleet.listen, secret });
      await driver.registerHost(serverOf('alpha'));
      const host = hostOf('alpha');
      return {
        driver,
        host,
        controllerId: 'controller-one',
        spec: specOf,
        now: () => Date.now(),
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        addForeignGuest: async () => {
          await driver.addForeignGuest(host, 'stranger', { vcpus: 2, ramMib: 512, diskGib: 5 }, null);
          return {
            stillRuns: async () =>
              (await driver.listGuests(host)).some(
                (guest) => guest.instanceId === null && guest.power === 'running',
              ),
            remove: async () => undefined,
          };
        },
        close: async () => {
          await driver.close();
          await fleet.stop();
          await home.remove();
        },
      };
    },
    { verbMs: 5_000, bootMs: 5_000, settleMs: 2_000 },
  );
}
