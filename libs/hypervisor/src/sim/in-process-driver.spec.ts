import { describeHostDriver } from '../host-driver.contract.js';
import { hostOf, serverOf, specOf } from './guest-spec.fixture.js';
import { inProcessFleet } from './in-process-driver.js';
import { VirtualClock } from './virtual-clock.fixture.js';

for (const latencyScale of [0, 1]) {
  describeHostDriver(
    `the modelled fleet in this process, virtual clock, latency ${latencyScale}`,
    async () => {
      const clock = new VirtualClock();
      const { fleet, driver } = inProcessFleet(clock, { latencyScale });
      fleet.registerHost(serverOf('alpha'));
      const size = { vcpus: 2, ramMib: 512, diskGib: 5 };
      return {
        driver,
        host: hostOf('alpha'),
        controllerId: 'controller-one',
        spec: specOf,
        now: () => clock.now(),
        sleep: (ms) => clock.sleep(ms),
        addForeignGuest: async () => {
          fleet.addForeignGuest('alpha', 'stranger', size, null, clock.now());
          return {
            stillRuns: async () =>
              fleet.observeGuest('alpha', 'stranger', false, clock.now()).power === 'running',
            remove: async () => undefined,
          };
        },
        close: async () => driver.close(),
      };
    },
    { verbMs: 30_000, bootMs: 30_000, settleMs: 10_000 },
  );
}
