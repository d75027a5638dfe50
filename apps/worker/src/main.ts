import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@bellows/config/settings';
import { makeLogger, NestLog } from './log.js';
import { WorkerModule } from './worker.module.js';

const end = (error: unknown): never => {
  process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
};

try {
  const settings = readSettings();
  const { databaseUrl } = settings;
  if (databaseUrl === null) throw new Error('DATABASE_URL is not set; npm start brings its own PostgreSQL.');
  const logger = makeLogger(settings.logLevel);
  const app = await NestFactory.create<NestFastifyApplication>(
    WorkerModule.with({ ...settings, databaseUrl }, logger),
    new FastifyAdapter({ logger: false, forceCloseConnections: true }),
    { logger: new NestLog(logger), abortOnError: false },
  );
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    // What hangs now is left to the lease; the next worker takes it over.
    setTimeout(() => end(new Error('did not stop in time')), 24_000).unref();
    app.close().then(() => process.exit(0), end);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  await app.listen(settings.worker.port, settings.bind);
  const { port } = app.getHttpServer().address() as { port: number };
  process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);
} catch (error) {
  end(error);
}
