import { badRequest, conflict, notFound } from '../docker-error.js';
import { commitContainer, exportContainer, getArchive, pathStat, putArchive } from '../containers/archive.js';
import { changesOf } from '../files/file-tree.js';
import type { Container } from '../containers/container.js';
import { createContainer } from '../containers/create.js';
import { containerInspect } from '../containers/inspect.js';
import * as lifecycle from '../containers/lifecycle.js';
import { containerFilters, listContainers } from '../containers/list.js';
import { startContainer } from '../containers/start.js';
import { processList } from '../containers/stats.js';
import { containerEvent } from '../containers/container-events.js';
import { removeContainer } from '../containers/remove.js';
import { newName } from '../images/image-store.js';
import { limits } from '../limits.js';
import { goneSignal, openStream, readBody, readJson, sendJson, truthy, type Exchange } from './exchange.js';
import { Filters } from './filters.js';
import { route, type Route } from './router.js';
import { containerStreamRoutes } from './container-stream-routes.js';

const named = ({ engine, params }: Exchange): Container => engine.container(params[0]!);
const done = (exchange: Exchange): void => sendJson(exchange, 204, undefined);

const seconds = ({ query }: Exchange): number | null => {
  const text = query.get('t');
  return text === null || text === '' ? null : Number.parseInt(text, 10) || 0;
};

async function create(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const body = await readJson(exchange);
  const container = createContainer(engine, query.get('name') ?? '', body);
  sendJson(exchange, 201, { Id: container.id, Warnings: [] });
}

function list(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), containerFilters);
  const limit = Number(query.get('limit') ?? 0);
  sendJson(
    exchange,
    200,
    listContainers(engine, { all: truthy(query, 'all'), limit, size: truthy(query, 'size'), filters }),
  );
}

function start(exchange: Exchange): void {
  sendJson(exchange, startContainer(exchange.engine, named(exchange)) ? 204 : 304, undefined);
}

async function stop(exchange: Exchange): Promise<void> {
  const stopped = await lifecycle.stopContainer(exchange.engine, named(exchange), seconds(exchange));
  sendJson(exchange, stopped ? 204 : 304, undefined);
}

/** The head goes at once: clients start the container only when they have it. */
async function wait(exchange: Exchange): Promise<void> {
  const condition = (exchange.query.get('condition') || 'not-running') as lifecycle.WaitCondition;
  if (!['not-running', 'next-exit', 'removed'].includes(condition))
    throw badRequest(`invalid condition: "${condition}"`);
  const container = named(exchange);
  const sink = openStream(exchange, 'application/json');
  const code = await lifecycle.waitFor(container, condition, goneSignal(exchange));
  if (code !== null) sink.end(`${JSON.stringify({ StatusCode: code })}\n`);
}

async function remove(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const container = named(exchange);
  await lifecycle.deleteContainer(engine, container, {
    force: truthy(query, 'force'),
    volumes: truthy(query, 'v'),
  });
  done(exchange);
}

async function commit(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const config = await readJson(exchange);
  const container = engine.container(query.get('container') ?? '');
  const repo = query.get('repo') ?? '';
  const name = repo === '' ? null : newName(repo, query.get('tag') ?? '');
  const image = commitContainer(engine, container, {
    author: query.get('author') ?? '',
    comment: query.get('comment') ?? '',
    config,
  });
  if (name) engine.images.tag(image, name, engine.now());
  containerEvent(engine, container, 'commit', { comment: query.get('comment') ?? '', imageID: image.id });
  sendJson(exchange, 201, { Id: image.id });
}

function prune(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), ['label', 'label!', 'until']);
  const gone = [...engine.containers.values()].filter(
    ({ running, state, config }) =>
      !running && state.status !== 'restarting' && filters.matchesLabels(config.Labels),
  );
  const bytes = gone.reduce((sum, { layer }) => sum + layer.bytes, 0);
  for (const container of gone) removeContainer(engine, container, { force: false, volumes: false });
  sendJson(exchange, 200, {
    ContainersDeleted: gone.length > 0 ? gone.map(({ id }) => id) : null,
    SpaceReclaimed: bytes,
  });
}

function archive(exchange: Exchange): void {
  const { query, method, response } = exchange;
  const path = query.get('path') ?? '';
  const container = named(exchange);
  response!.setHeader('X-Docker-Container-Path-Stat', pathStat(container, path));
  if (method === 'HEAD') return void response!.writeHead(200).end();
  sendTar(exchange, getArchive(container, path));
}

export function sendTar({ response }: Exchange, data: Buffer): void {
  response!.writeHead(200, { 'Content-Type': 'application/x-tar', 'Content-Length': data.length }).end(data);
}

async function put(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const container = named(exchange);
  const body = await readBody(exchange, limits.archiveBytes);
  await putArchive(engine, container, query.get('path') ?? '', body);
  sendJson(exchange, 200, undefined);
}

async function update(exchange: Exchange): Promise<void> {
  lifecycle.updateContainer(exchange.engine, named(exchange), await readJson(exchange));
  sendJson(exchange, 200, { Warnings: null });
}

function top(exchange: Exchange): void {
  const container = named(exchange);
  if (!container.run) throw conflict(`container ${container.id} is not running`);
  sendJson(exchange, 200, processList(container));
}

function resize(exchange: Exchange): void {
  const container = named(exchange);
  if (!container.run) throw conflict(`container ${container.id} is not running`);
  const { tty } = container.run;
  if (tty)
    Object.assign(tty, {
      rows: Number(exchange.query.get('h') ?? 24),
      columns: Number(exchange.query.get('w') ?? 80),
    });
  sendJson(exchange, 200, undefined);
}

export const containerRoutes: readonly Route[] = [
  ...containerStreamRoutes,
  route('GET', '/containers/json', list),
  route('POST', '/containers/create', create),
  route('POST', '/containers/prune', prune),
  route('GET', '/containers/{}/json', (exchange) =>
    sendJson(exchange, 200, containerInspect(named(exchange), truthy(exchange.query, 'size'))),
  ),
  route('GET', '/containers/{}/top', top),
  route('GET', '/containers/{}/changes', (exchange) => {
    const changes = changesOf(named(exchange).tree);
    sendJson(exchange, 200, changes.length > 0 ? changes : null);
  }),
  route('GET', '/containers/{}/export', (exchange) => sendTar(exchange, exportContainer(named(exchange)))),
  route('POST', '/containers/{}/start', start),
  route('POST', '/containers/{}/stop', stop),
  route('POST', '/containers/{}/restart', async (exchange) => {
    await lifecycle.restartContainer(exchange.engine, named(exchange), seconds(exchange));
    done(exchange);
  }),
  route('POST', '/containers/{}/kill', async (exchange) => {
    const signal = exchange.query.get('signal') ?? '';
    await lifecycle.killContainer(exchange.engine, named(exchange), exchange.params[0]!, signal);
    done(exchange);
  }),
  route('POST', '/containers/{}/pause', (exchange) => {
    lifecycle.pauseContainer(exchange.engine, named(exchange));
    done(exchange);
  }),
  route('POST', '/containers/{}/unpause', (exchange) => {
    lifecycle.unpauseContainer(exchange.engine, named(exchange));
    done(exchange);
  }),
  route('POST', '/containers/{}/rename', (exchange) => {
    lifecycle.renameContainer(exchange.engine, named(exchange), exchange.query.get('name') ?? '');
    done(exchange);
  }),
  route('POST', '/containers/{}/update', update),
  route('POST', '/containers/{}/resize', resize),
  route('POST', '/containers/{}/wait', wait),
  route('DELETE', '/containers/{}', remove),
  route('GET', '/containers/{}/archive', archive),
  route('HEAD', '/containers/{}/archive', archive),
  route('PUT', '/containers/{}/archive', put),
  route('POST', '/commit', commit),
  route('GET', '/containers/{}/checkpoints', () => {
    throw notFound('checkpoints are not modelled by the Bellows simulator');
  }),
];
