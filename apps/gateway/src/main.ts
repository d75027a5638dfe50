import { Gateway } from './gateway.js';
import { readSettings } from './settings.js';
import { guestStreams } from './streams.module.js';

const end = (error: unknown): never => {
  process.stderr.write(`gateway: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
};
const warn = 40; // as pino counts
const log = (msg: string, error: unknown) =>
  void process.stdout.write(
    `${JSON.stringify({ level: warn, time: Date.now(), msg, err: { message: String(error) } })}\n`,
  );

try {
  const settings = readSettings(process.env);
  const gateway = new Gateway({ secret: settings.secret, streams: guestStreams(settings), log });
  const listen = await gateway.listen(settings.host, settings.port);
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    gateway.close().then(() => process.exit(0), end);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ ready: true, listen })}\n`);
} catch (error) {
  end(error);
}
