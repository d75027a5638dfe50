import { readSettings } from '@bellows/config/settings';
import { boot, listen, listenForDocker } from './boot.js';
import { makeLogger } from './http/logger.js';

const end = (error: unknown): never => {
  process.stderr.write(`api: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
};

try {
  const settings = readSettings();
  const { databaseUrl } = settings;
  if (databaseUrl === null) throw new Error('DATABASE_URL is not set; npm start brings its own PostgreSQL.');
  const ready = { ...settings, databaseUrl };
  const app = await boot(ready, makeLogger(settings.logLevel));
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    app.close().then(() => process.exit(0), end);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const dockerPort = await listenForDocker(app);
  const port = await listen(app, ready);
  process.stdout.write(`${JSON.stringify({ ready: true, port, dockerPort })}\n`);
} catch (error) {
  end(error);
}
