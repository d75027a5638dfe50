import { startRegistry } from './registry.js';
import { readSettings } from './settings.js';

const end = (error: unknown): never => {
  process.stderr.write(`registry: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
};
const warn = 40; // as pino counts
const log = (msg: string, detail?: unknown) => {
  const err = detail === undefined ? {} : { err: { message: String(detail) } };
  process.stdout.write(`${JSON.stringify({ level: warn, time: Date.now(), msg, ...err })}\n`);
};

try {
  const running = await startRegistry(readSettings(process.env), log);
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    running.stop().then(() => process.exit(0), end);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const { port, control, authorityFile } = running;
  process.stdout.write(`${JSON.stringify({ ready: true, port, control, authorityFile })}\n`);
} catch (error) {
  end(error);
}
