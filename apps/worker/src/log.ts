import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import type { RunnerOptions } from '@bellows/operations/saga/run';

/** One JSON line an event. */
export const makeLogger = (level: string): Logger =>
  // Work does not wait for its line to be written; what is left is written as the process ends.
  pino({ name: 'worker', level }, pino.destination({ sync: false }));

/** What a runner reports, with its operation id among the facts. */
export const runnerLog =
  (logger: Logger): RunnerOptions['log'] =>
  (level, message, facts) =>
    logger[level](facts, message);

const textOf = (message: unknown): string =>
  typeof message === 'string' ? message : JSON.stringify(message);

/** What Nest itself has to say, in the same log. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, context?: unknown) => this.logger.debug({ context }, textOf(message));
  warn = (message: unknown, context?: unknown) => this.logger.warn({ context }, textOf(message));
  error = (message: unknown, ...rest: unknown[]) =>
    message instanceof Error
      ? this.logger.error({ err: message }, message.message)
      : this.logger.error({ detail: rest }, textOf(message));
}
