import { runFleet } from './fleet-process.js';
import { readSettings } from './settings.js';

const end = (error: unknown): never => {
  process.stderr.write(`fleet: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
};

try {
  // What cannot be written must not be acknowledged: the process ends, and recovers when it is started again.
  const fleet = await runFleet(readSettings(process.env), end);
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    fleet.stop().then(() => process.exit(0), end);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ ready: true, listen: fleet.listen })}\n`);
} catch (error) {
  end(error);
}
