// A fleet whose guests have a `GuestProbe` behind their target.
import { GuestProbe } from '@bellows/hypervisor/guest-stream-probe.fixture';
import { runFleet } from './fleet-process.js';
import { readSettings } from './settings.js';

const probe = new GuestProbe();
const fail = (error: Error): never => {
  throw error;
};
const fleet = await runFleet(readSettings(process.env), fail, (_instanceId, stream) => probe.serve(stream));
process.on('SIGTERM', () => void fleet.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ ready: true, listen: fleet.listen })}\n`);
