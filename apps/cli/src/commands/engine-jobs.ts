import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineJob } from '@bellows/api-client/client';
import { exit, UnreachableError } from '../exit.js';
import { ServerEvents, type ServerEvent } from '../follow/server-events.js';
import { plain } from '../format/text.js';
import { instanceId } from '../names.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { engineJobColumns, engineJobLine } from '../tables/engine-job.js';

interface Options extends PageOptions {
  readonly follow?: boolean;
  readonly verb?: string;
  readonly outcome?: EngineJob['outcome'];
}

const againAfterMs = 2_000;
/** The cloud says every 15 seconds that it is there. */
const silentMs = 45_000;
const usuallyShown = 20;

async function engineJobsOf(session: Session, instance: string, options: Options) {
  const id = await instanceId(session, instance);
  if (options.follow) return followJobs(session, id, options);
  const { verb, outcome } = options;
  const api = await session.api;
  const path = { id };
  const page = await collect(
    (at) => api.GET('/v1/instances/{id}/engine-jobs', { params: { path, query: { verb, outcome, ...at } } }),
    options,
  );
  showList(session, 'engine jobs', engineJobColumns, page, options);
}

/** Until Ctrl-C; a line that breaks is taken up where it was. */
async function followJobs(session: Session, id: string, { verb, outcome, limit = usuallyShown }: Options) {
  const { interrupted } = session.io;
  // Refusals, and whether there is such an instance, are said as ever.
  const api = await session.api;
  await api.GET('/v1/instances/{id}/engine-jobs', { params: { path: { id }, query: { limit: 1 } } });
  const { url, token } = await session.connected;
  const query = new URLSearchParams({
    limit: String(limit),
    ...(verb && { verb }),
    ...(outcome && { outcome }),
  });
  const events = new ServerEvents();
  while (!interrupted.aborted) {
    await readLine(session, `${url}/v1/instances/${id}/engine-jobs?${query}`, token, events).catch(
      (error: unknown) => {
        if (error instanceof UnreachableError) throw error;
      },
    );
    await sleep(againAfterMs, undefined, { signal: interrupted }).catch(() => undefined);
  }
  return exit.ok;
}

async function readLine(session: Session, url: string, token: string, events: ServerEvents): Promise<void> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), silentMs);
  try {
    const answer = await fetch(url, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        ...(events.lastId !== '' && { 'last-event-id': events.lastId }),
      },
      signal: AbortSignal.any([silent.signal, session.io.interrupted]),
    });
    if ([401, 403, 404].includes(answer.status)) {
      throw new UnreachableError(`The cloud tells no more of these jobs (HTTP ${answer.status}).`);
    }
    if (!answer.ok || !answer.body) return;
    const decoder = new TextDecoder();
    for await (const piece of answer.body) {
      timer.refresh();
      for (const event of events.feed(decoder.decode(piece, { stream: true }))) show(session, event);
    }
  } finally {
    clearTimeout(timer);
  }
}

function show(session: Session, { event, data }: ServerEvent): void {
  if (event === 'resync') return session.note('some jobs have gone by unseen');
  if (event !== 'engine-job') return;
  if (session.options.json) return session.write(`${data}\n`);
  const cells = engineJobLine(JSON.parse(data) as EngineJob);
  const safe = cells.map((cell) =>
    typeof cell === 'string' ? plain(cell) : { ...cell, text: plain(cell.text) },
  );
  session.write(`${safe.map(session.paint).join('  ')}\n`);
}

export const engineJobs: Noun = (program, runner) => {
  withPages(
    program.command('engine-jobs <instance>').description('what each docker command became, in its engine'),
  )
    .option('-f, --follow', 'show them as they come, until Ctrl-C')
    .option('--verb <verb>', 'only of this kind, such as "container start"')
    .option('--outcome <outcome>', 'only running, succeeded, failed or cut')
    .action(runner.action(engineJobsOf));
};
