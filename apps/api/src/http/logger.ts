import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';

/** One JSON line an event; secrets never get that far. */
export const makeLogger = (level: string): Logger =>
  pino(
    {
      name: 'api',
      level,
      redact: { paths: ['req.headers.authorization', 'req.headers.cookie'], censor: '[redacted]' },
    },
    // A request does not wait for its line to be written; what is left is written as the process ends.
    pino.destination({ sync: false }),
  );

const textOf = (message: unknown): string =>
  typeof message === 'string' ? message : JSON.stringify(message);

/** What Nest itself has to say, in the same log. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, context?: unknown) => this.logger.debug({ context }, textOf(message));
  debug = (message: unknown, context?: unknown) => this.logger.debug({ context }, textOf(message));
  verbose = (message: unknown, context?: unknown) => this.logger.trace({ context }, textOf(message));
  warn = (message: unknown, context?: unknown) => this.logger.warn({ context }, textOf(message));
  error = (message: unknown, ...rest: unknown[]) => this.report('error', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.report('fatal', message, rest);

  private report(level: 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    if (message instanceof Error) this.logger[level]({ err: message, context: rest.at(-1) }, message.message);
    else this.logger[level]({ detail: rest }, textOf(message));
  }
}
