import { mkdir } from 'node:fs/promises';
import { DurableFleet } from './durable-fleet.js';
import { FleetServer } from './fleet-server.js';
import { noEngine, type GuestStreamListener } from './guest-stream-route.js';
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
 * @param onGuestStream stands for the container engines of the modelled guests
 */
export async function runFleet(
  settings: FleetSettings,
  onFailure: (error: Error) => void,
  onGuestStream: GuestStreamListener = noEngine,
): Promise<RunningFleet> {
  const { folder, seed, latencyScale, sync, secret } = settings;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(folder);
  const durable = new DurableFleet({ folder, seed, latencyScale, sync, onFailure });
  await durable.start();
  const server = new FleetServer(durable, secret, onGuestStream);
  const listen = await server.listen(settings.listen);
  return {
    listen,
    stop: async () => {
      await server.close(closingGraceMs);
      await durable.stop();
      lock?.close();
    },
  };
}
