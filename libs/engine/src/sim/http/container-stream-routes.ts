import { badRequest, conflict } from '../docker-error.js';
import type { Container } from '../containers/container.js';
import { containerEvent } from '../containers/container-events.js';
import { createExec, detached, execInspect, findExec, readyToStart, runExec } from '../containers/exec.js';
import { flag } from '../containers/config.js';
import type { LogEntry, LogQuery } from '../containers/log-buffer.js';
import { StatsReader } from '../containers/stats.js';
import { signalNumber } from '../shell/signals.js';
import { Pipe } from '../shell/pipes.js';
import { rfc3339Nano } from '../world.js';
import { goneSignal, openStream, readJson, sendJson, truthy, writeTo, type Exchange } from './exchange.js';
import { route, type Route } from './router.js';
import { clientOutput, hijack, pump, stdcopy, streamType } from './streams.js';

const named = ({ engine, params }: Exchange): Container => engine.container(params[0]!);

/** Seconds since the epoch, with or without a fraction, in milliseconds. */
const time = (text: string | null, otherwise: number): number => {
  const value = Number(text);
  return text === null || text === '' || text === '0' || !Number.isFinite(value) ? otherwise : value * 1000;
};

function logQuery(query: URLSearchParams): LogQuery {
  const tail = query.get('tail') ?? 'all';
  const parsed: LogQuery = {
    stdout: truthy(query, 'stdout'),
    stderr: truthy(query, 'stderr'),
    since: time(query.get('since'), 0),
    until: time(query.get('until'), Number.POSITIVE_INFINITY),
    tail: /^\d+$/.test(tail) ? Number(tail) : Number.POSITIVE_INFINITY,
  };
  if (!parsed.stdout && !parsed.stderr)
    throw badRequest('Bad parameters: you must choose at least one stream');
  return parsed;
}

async function logs(exchange: Exchange): Promise<void> {
  const container = named(exchange);
  const query = logQuery(exchange.query);
  const { Tty } = container.config;
  const stamped = truthy(exchange.query, 'timestamps');
  const sink = openStream(exchange, streamType(Tty, exchange.version));
  const gone = goneSignal(exchange);
  const send = async (entries: readonly LogEntry[]) => {
    for (const { stream, data, at } of entries) {
      const line = stamped ? Buffer.concat([Buffer.from(`${rfc3339Nano(at)} `), data]) : data;
      await writeTo(sink, Tty ? line : stdcopy(stream, line));
    }
  };
  let { entries, next } = container.logs.read(query);
  await send(entries);
  gone.addEventListener('abort', () => container.logs.wake(), { once: true });
  while (truthy(exchange.query, 'follow') && !gone.aborted) {
    ({ entries, next } = container.logs.readOn(next, query));
    await send(entries);
    if (entries.length > 0) continue;
    if (!container.run) break;
    await container.logs.change();
  }
  sink.end();
}

/** `attach`: what the container says from now on, and what it is told. */
async function attach(exchange: Exchange): Promise<void> {
  const { query, version } = exchange;
  const container = named(exchange);
  if (container.state.status === 'paused')
    throw conflict(`container ${container.id} is paused, unpause the container before attach`);
  if (container.state.status === 'restarting')
    throw conflict(`container ${container.id} is restarting, wait until the container is running`);
  const { Tty, OpenStdin, StdinOnce } = container.config;
  const { sink, source, end } = hijack(exchange, streamType(Tty, version));
  containerEvent(exchange.engine, container, 'attach');
  const wanted = { 1: truthy(query, 'stdout'), 2: truthy(query, 'stderr') };
  if (truthy(query, 'logs')) {
    const all = {
      stdout: wanted[1],
      stderr: wanted[2],
      since: 0,
      until: Number.POSITIVE_INFINITY,
      tail: Number.POSITIVE_INFINITY,
    };
    for (const { stream, data } of container.logs.read(all).entries)
      await writeTo(sink, Tty ? data : stdcopy(stream, data));
  }
  const over = container.state.status === 'exited' && !container.run;
  if (!truthy(query, 'stream') || over) return end();
  const listener = {
    write: (stream: 1 | 2, data: Buffer): Promise<void> =>
      wanted[stream] ? writeTo(sink, Tty ? data : stdcopy(stream, data)) : Promise.resolve(),
    end: () => {
      container.listeners.delete(listener);
      end();
    },
  };
  container.listeners.add(listener);
  sink
    .on('close', () => container.listeners.delete(listener))
    .on('error', () => container.listeners.delete(listener));
  if (!truthy(query, 'stdin') || !OpenStdin || !source) return void source?.resume();
  container.stdin ??= new Pipe();
  const stdin = container.stdin;
  const how = await pump(source, stdin, Tty);
  if (how === 'detached') return listener.end();
  if (StdinOnce && !Tty) stdin.end();
}

async function stats(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const container = named(exchange);
  const streaming = query.get('stream') === null || truthy(query, 'stream');
  const gone = goneSignal(exchange);
  const second = () => engine.world.clock.sleep(1000, gone).catch(() => undefined);
  const reader = new StatsReader(engine, container);
  const sink = openStream(exchange, 'application/json');
  if (!streaming) {
    const first = reader.next();
    if (!container.run || truthy(query, 'one-shot')) return void sink.end(`${JSON.stringify(first)}\n`);
    await second();
    return void sink.end(`${JSON.stringify(reader.next())}\n`);
  }
  while (!gone.aborted && engine.containers.has(container.id)) {
    await writeTo(sink, `${JSON.stringify(reader.next())}\n`);
    await second();
  }
  sink.end();
}

async function execCreate(exchange: Exchange): Promise<void> {
  const body = await readJson(exchange);
  sendJson(exchange, 201, { Id: createExec(exchange.engine, named(exchange), body).id });
}

async function execStart(exchange: Exchange): Promise<void> {
  const { engine, params, version } = exchange;
  const body = await readJson(exchange);
  const exec = findExec(engine, params[0]!);
  readyToStart(engine, exec);
  if (flag(body, 'Detach')) {
    void runExec(engine, exec, detached).catch(() => undefined);
    return sendJson(exchange, 200, undefined);
  }
  const { sink, source, end } = hijack(exchange, streamType(exec.tty, version));
  const stdin = new Pipe();
  if (exec.attach.stdin && source && source === exchange.socket)
    void pump(source, stdin, exec.tty).then(() => stdin.end());
  else {
    stdin.end();
    source?.resume();
  }
  const stdout = clientOutput(sink, 1, !exec.tty);
  sink.on('error', () => undefined);
  try {
    await runExec(engine, exec, { stdin, stdout, stderr: clientOutput(sink, 2, !exec.tty) });
  } catch (error) {
    // The head is sent: dockerd says it where the output would be.
    await stdout.write(Buffer.from(`${(error as Error).message}\r\n`));
  }
  end();
}

function execResize(exchange: Exchange): void {
  const exec = findExec(exchange.engine, exchange.params[0]!);
  const size = {
    rows: Number(exchange.query.get('h') ?? 24),
    columns: Number(exchange.query.get('w') ?? 80),
  };
  if (exec.terminal) Object.assign(exec.terminal, size);
  exec.process?.kill(signalNumber('WINCH')!);
  sendJson(exchange, 200, undefined);
}

export const containerStreamRoutes: readonly Route[] = [
  route('GET', '/containers/{}/logs', logs),
  route('POST', '/containers/{}/attach', attach),
  route('GET', '/containers/{}/stats', stats),
  route('POST', '/containers/{}/exec', execCreate),
  route('POST', '/exec/{}/start', execStart),
  route('POST', '/exec/{}/resize', execResize),
  route('GET', '/exec/{}/json', (exchange) =>
    sendJson(exchange, 200, execInspect(findExec(exchange.engine, exchange.params[0]!))),
  ),
];
