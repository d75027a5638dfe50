import { DockerError } from '../docker-error.js';
import { volumeUsers } from '../containers/remove.js';
import { listContainers } from '../containers/list.js';
import { imageList } from '../images/image-json.js';
import { sizeOf } from '../images/image.js';
import { credentialsOf } from '../registry/cloud-registry.js';
import { eventFilters, eventMatches, type EngineEvent } from '../system/event-log.js';
import { infoJson, pingHeaders, versionJson } from '../system/about.js';
import { volumeJson } from '../volumes/volume.js';
import { goneSignal, openStream, readJson, sendJson, writeTo, type Exchange } from './exchange.js';
import { Filters } from './filters.js';
import { route, type Route } from './router.js';

function ping({ response, method }: Exchange): void {
  const length = method === 'HEAD' ? 0 : 2;
  response!.writeHead(200, {
    ...pingHeaders,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': length,
  });
  response!.end(method === 'HEAD' ? '' : 'OK');
}

/** Seconds since the epoch. */
const seconds = (text: string | null): number | null => {
  const value = Number(text);
  return text === null || text === '' || !Number.isFinite(value) ? null : value;
};

async function events(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), eventFilters);
  const since = seconds(query.get('since'));
  const until = seconds(query.get('until'));
  const now = engine.now() / 1000;
  const gone = goneSignal(exchange);
  const sink = openStream(exchange, 'application/json');
  // One after the other, at the pace of the reader; who does not read misses the newest.
  const waiting: EngineEvent[] = [];
  let wake: () => void = () => undefined;
  const unwatch = engine.events.watch((event) => {
    if (waiting.length < 1000) waiting.push(event);
    wake();
  });
  if (since !== null) waiting.unshift(...engine.events.between(since, until ?? now));
  gone.addEventListener('abort', () => wake(), { once: true });
  if (until !== null && until > now)
    engine.world.clock.sleep((until - now) * 1000, gone).then(
      () => wake(),
      () => undefined,
    );
  for (;;) {
    for (const event of waiting.splice(0))
      if (eventMatches(event, filters)) await writeTo(sink, `${JSON.stringify(event)}\n`);
    if (gone.aborted || (until !== null && engine.now() / 1000 >= until)) break;
    if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  }
  unwatch();
  sink.end();
}

function usage(exchange: Exchange): void {
  const { engine } = exchange;
  const none = Filters.parse(null, []);
  const images = [...engine.images.images.values()];
  const users = (id: string) => engine.imageUsers().filter(({ imageId }) => imageId === id).length;
  sendJson(exchange, 200, {
    LayersSize: images.reduce((sum, image) => sum + sizeOf(image), 0),
    Images: imageList(engine.images, false, none, users).map((image) => ({ ...image, SharedSize: 0 })),
    Containers: listContainers(engine, { all: true, limit: 0, size: true, filters: none }),
    Volumes: [...engine.volumes.volumes.values()].map((volume) =>
      volumeJson(volume, { users: volumeUsers(engine, volume.name).length }),
    ),
    BuildCache: [],
  });
}

/** The cloud's own registry is asked. The modelled ones know no accounts: any name with a password is let in, none without. */
async function auth(exchange: Exchange): Promise<void> {
  const body = await readJson(exchange);
  const registry = String(body['serveraddress'] ?? '');
  const { cloud } = exchange.engine;
  const host = registry.replace(/^https?:\/\//, '').split('/', 1)[0]!;
  if (cloud?.serves(host)) {
    const credentials = credentialsOf(body) ?? { username: '', password: '' };
    await cloud.login(host, credentials, goneSignal(exchange));
    return sendJson(exchange, 200, { IdentityToken: '', Status: 'Login Succeeded' });
  }
  const isHub = registry === '' || registry.includes('docker.io');
  if (isHub || !body['username'] || !(body['password'] || body['identitytoken']))
    throw new DockerError(
      401,
      isHub
        ? 'Get "https://registry-1.docker.io/v2/": unauthorized: the simulator reaches no registry outside its cloud'
        : `login attempt to http://${registry}/v2/ failed with status: 401 Unauthorized`,
    );
  sendJson(exchange, 200, { IdentityToken: '', Status: 'Login Succeeded' });
}

const buildKit = (): never => {
  throw new DockerError(
    404,
    'BuildKit is not modelled by the Bellows simulator: build with the classic builder (DOCKER_BUILDKIT=0)',
  );
};
const swarm = (): never => {
  throw new DockerError(
    503,
    'This node is not a swarm manager. Swarm is not modelled by the Bellows simulator.',
  );
};

export const systemRoutes: readonly Route[] = [
  route('GET', '/_ping', ping),
  route('HEAD', '/_ping', ping),
  route('GET', '/version', (exchange) => sendJson(exchange, 200, versionJson())),
  route('GET', '/info', (exchange) => sendJson(exchange, 200, infoJson(exchange.engine))),
  route('GET', '/events', events),
  route('GET', '/system/df', usage),
  route('POST', '/auth', auth),
  route('POST', '/session', buildKit),
  route('POST', '/grpc', buildKit),
  route('GET', '/plugins', (exchange) => sendJson(exchange, 200, [])),
  ...['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs'].flatMap((what) => [
    route('GET', `/${what}`, swarm),
    route('GET', `/${what}/{*}`, swarm),
    route('POST', `/${what}/{*}`, swarm),
    route('DELETE', `/${what}/{*}`, swarm),
  ]),
];
