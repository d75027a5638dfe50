import { client, type BellowsClient } from '@bellows/api-client/client';
import { steadyFetch } from './connection/steady-fetch.js';
import { whereToGo } from './connection/where.js';
import { facts, table, type Column, type Fact } from './format/table.js';
import { paintFor, type Paint } from './format/styles.js';
import type { Io } from './io.js';

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly wide?: boolean;
  readonly url?: string;
  readonly project?: string;
}

/** A cloud, as it is spoken to. */
export interface Connection {
  readonly api: BellowsClient;
  readonly url: string;
  readonly token: string;
}

/** One run of one command: what it may ask, and how it answers. */
export class Session {
  readonly paint: Paint;
  readonly paintErr: Paint;
  private connection: Promise<Connection> | undefined;

  constructor(
    readonly io: Io,
    readonly options: GlobalOptions,
  ) {
    this.paint = paintFor(io.stdout, io.env);
    this.paintErr = paintFor(io.stderr, io.env);
  }

  /** Made on first use: `--help` and `logout` need no cloud. */
  get connected(): Promise<Connection> {
    this.connection ??= this.connect();
    return this.connection;
  }

  get api(): Promise<BellowsClient> {
    return this.connected.then(({ api }) => api);
  }

  private async connect(): Promise<Connection> {
    const { url, token, note } = await whereToGo(this.io, this.options.url);
    if (note) this.note(note);
    return { api: client({ baseUrl: url, token, fetch: interruptible(this.io.interrupted) }), url, token };
  }

  /** To people on stderr, so that stdout stays what was asked for. */
  note(text: string): void {
    this.io.stderr.write(`bellows: ${text}\n`);
  }

  write(text: string): void {
    this.io.stdout.write(text);
  }

  /** The API's answer as it is for scripts, or what `human` makes of it. */
  show(answer: unknown, human: () => string): void {
    this.write(this.options.json ? `${JSON.stringify(answer, null, 2)}\n` : human());
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
    const { paint } = this;
    return table(columns, rows, { now: Date.now(), wide: this.options.wide === true, paint });
  }

  facts(lines: readonly Fact[]): string {
    return facts(lines, this.paint);
  }
}

/** Ctrl-C ends whatever request is under way. */
export function interruptible(interrupted: AbortSignal): (request: Request) => Promise<Response> {
  const steady = steadyFetch();
  return (request) =>
    steady(new Request(request, { signal: AbortSignal.any([request.signal, interrupted]) }));
}
