import { mkdir, readFile } from 'node:fs/promises';
import { DurableFleet } from './durable-fleet.js';
import { FleetServer } from './fleet-server.js';
import { GuestEngines } from './guest-engines.js';
import type { GuestStreamListener } from './guest-stream-route.js';
import { lockFolder } from './home-lock.js';
import type { FleetSettings } from './settings.js';

export interface RunningFleet {
  /** `http://HOST:PORT` or `unix:PATH`. */
  readonly listen: string;
  /** Answers what has been asked and closes the journal. */
  stop(): Promise<void>;
}

const closingGraceMs = 5_000;

/**
 * The whole fleet, as `main.ts` runs it; a test may run it in its own process.
 * @param onGuestStream stands in for the simulated container engines of the guests
 */
export async function runFleet(
  settings: FleetSettings,
  onFailure: (error: Error) => void,
  onGuestStream?: GuestStreamListener,
): Promise<RunningFleet> {
  const { folder, seed, latencyScale, sync, secret, registry } = settings;
  const ca = registry ? await readFile(registry.caFile, 'utf8') : '';
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(folder);
  const durable = new DurableFleet({ folder, seed, latencyScale, sync, onFailure });
  await durable.start();
  const engines = new GuestEngines(durable, {
    seed,
    folder,
    ...(registry && { registry: { addresses: registry.addresses, ca } }),
  });
  const server = new FleetServer(durable, secret, onGuestStream ?? engines.accept);
  const listen = await server.listen(settings.listen);
  return {
    listen,
    stop: async () => {
      // First, as an engine whose streams are cut by the server would take that for its clients' will.
      await engines.close();
      await server.close(closingGraceMs);
      await durable.stop();
      lock?.close();
    },
  };
}
