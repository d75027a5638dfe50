import type { EngineSubjectKind } from '@bellows/operations/ports/engine-jobs';

/** One row of the table of the Docker Engine API (https://docs.docker.com/reference/api/engine/, version 1.45). */
export interface Template {
  readonly route: string;
  readonly verb: string;
  /** Where the query says which of several commands it is. */
  readonly verbIn?: (query: URLSearchParams) => string | undefined;
  /** What the name in the path is of. */
  readonly kind?: EngineSubjectKind | 'exec';
  /** The field of the query with the tag of the name in the path. */
  readonly taggedBy?: string;
  /** What the query names. */
  readonly named?: (query: URLSearchParams) => (readonly [EngineSubjectKind, string | null])[];
  readonly expects?: readonly string[];
}

type Rest = Omit<Template, 'route' | 'verb'>;
const row = (route: string, verb: string, rest: Rest = {}): Template => ({ route, verb, ...rest });
const container = (route: string, verb: string, ...events: string[]): Template =>
  row(route, `container ${verb}`, {
    kind: 'container',
    expects: events.map((action) => `container ${action}`),
  });
const image = (route: string, verb: string, ...events: string[]): Template =>
  row(route, `image ${verb}`, { kind: 'image', expects: events.map((action) => `image ${action}`) });
/** `name:tag`, or `name@sha256:…` where the tag is a digest. */
export const tagged = (repository: string | null, tag: string | null): string | null =>
  repository && (tag ? `${repository}${tag.includes(':') ? '@' : ':'}${tag}` : repository);

const ending = ['kill', 'die', 'stop', 'oom'];

const containers: readonly Template[] = [
  row('GET /containers/json', 'container ls'),
  row('POST /containers/create', 'container create', {
    named: (query) => [['container', query.get('name')]],
    expects: ['container create'],
  }),
  row('POST /containers/prune', 'container prune', { expects: ['container destroy', 'container prune'] }),
  container('GET /containers/{id}/json', 'inspect'),
  container('GET /containers/{id}/top', 'top', 'top'),
  container('GET /containers/{id}/logs', 'logs'),
  container('GET /containers/{id}/changes', 'diff'),
  container('GET /containers/{id}/export', 'export', 'export'),
  container('GET /containers/{id}/stats', 'stats'),
  container('POST /containers/{id}/resize', 'resize', 'resize'),
  // Long after the start has been answered, the end of what it started is still its news.
  container('POST /containers/{id}/start', 'start', 'start', 'die', 'oom'),
  container('POST /containers/{id}/stop', 'stop', ...ending),
  container('POST /containers/{id}/restart', 'restart', ...ending, 'start', 'restart'),
  container('POST /containers/{id}/kill', 'kill', 'kill', 'die'),
  container('POST /containers/{id}/update', 'update', 'update'),
  container('POST /containers/{id}/rename', 'rename', 'rename'),
  container('POST /containers/{id}/pause', 'pause', 'pause'),
  container('POST /containers/{id}/unpause', 'unpause', 'unpause'),
  container('POST /containers/{id}/attach', 'attach', 'attach', 'detach'),
  container('GET /containers/{id}/attach/ws', 'attach', 'attach', 'detach'),
  container('POST /containers/{id}/wait', 'wait', 'die', 'oom', 'destroy'),
  container('DELETE /containers/{id}', 'rm', ...ending, 'destroy'),
  container('HEAD /containers/{id}/archive', 'cp'),
  container('GET /containers/{id}/archive', 'cp', 'archive-path'),
  container('PUT /containers/{id}/archive', 'cp', 'extract-to-dir'),
  container('POST /containers/{id}/exec', 'exec', 'exec_create'),
  row('POST /exec/{id}/start', 'exec start', {
    kind: 'exec',
    expects: ['container exec_start', 'container exec_die', 'container exec_detach'],
  }),
  row('POST /exec/{id}/resize', 'exec resize', { kind: 'exec' }),
  row('GET /exec/{id}/json', 'exec inspect', { kind: 'exec' }),
];

const images: readonly Template[] = [
  row('GET /images/json', 'image ls'),
  row('POST /images/create', 'image pull', {
    verbIn: (query) => (query.get('fromSrc') === null ? undefined : 'image import'),
    named: (query) => [['image', tagged(query.get('fromImage') ?? query.get('repo'), query.get('tag'))]],
    expects: ['image pull', 'image import'],
  }),
  row('POST /build', 'image build', {
    named: (query) => [['image', query.get('t')]],
    expects: ['image build', 'image tag'],
  }),
  row('POST /build/prune', 'builder prune', { expects: ['builder prune'] }),
  row('POST /build/cancel', 'builder cancel'),
  // BuildKit's own protocol, within an upgraded connection.
  row('POST /session', 'builder session'),
  row('POST /grpc', 'builder grpc'),
  row('POST /commit', 'container commit', {
    named: (query) => [
      ['container', query.get('container')],
      ['image', tagged(query.get('repo'), query.get('tag'))],
    ],
    expects: ['container commit', 'image tag'],
  }),
  row('GET /images/search', 'search'),
  row('GET /images/get', 'image save', {
    named: (query) => query.getAll('names').map((name) => ['image', name] as const),
    expects: ['image save'],
  }),
  row('POST /images/load', 'image load', { expects: ['image load'] }),
  row('POST /images/prune', 'image prune', {
    expects: ['image delete', 'image untag', 'image prune'],
  }),
  image('GET /images/{name}/json', 'inspect'),
  image('GET /images/{name}/history', 'history'),
  image('GET /images/{name}/get', 'save', 'save'),
  { ...image('POST /images/{name}/push', 'push', 'push'), taggedBy: 'tag' },
  {
    ...image('POST /images/{name}/tag', 'tag', 'tag'),
    named: (query) => [['image', tagged(query.get('repo'), query.get('tag'))]],
  },
  image('DELETE /images/{name}', 'rm', 'untag', 'delete'),
  row('GET /distribution/{name}/json', 'manifest inspect', { kind: 'image' }),
];

const networks: readonly Template[] = [
  row('GET /networks', 'network ls'),
  row('POST /networks/create', 'network create', { expects: ['network create'] }),
  row('POST /networks/prune', 'network prune', { expects: ['network destroy', 'network prune'] }),
  row('GET /networks/{id}', 'network inspect', { kind: 'network' }),
  row('DELETE /networks/{id}', 'network rm', { kind: 'network', expects: ['network destroy'] }),
  row('POST /networks/{id}/connect', 'network connect', { kind: 'network', expects: ['network connect'] }),
  row('POST /networks/{id}/disconnect', 'network disconnect', {
    kind: 'network',
    expects: ['network disconnect'],
  }),
];

const volumes: readonly Template[] = [
  row('GET /volumes', 'volume ls'),
  row('POST /volumes/create', 'volume create', { expects: ['volume create'] }),
  row('POST /volumes/prune', 'volume prune', { expects: ['volume destroy', 'volume prune'] }),
  row('GET /volumes/{name}', 'volume inspect', { kind: 'volume' }),
  row('PUT /volumes/{name}', 'volume update', { kind: 'volume' }),
  row('DELETE /volumes/{name}', 'volume rm', { kind: 'volume', expects: ['volume destroy'] }),
];

const system: readonly Template[] = [
  row('GET /version', 'version'),
  row('GET /info', 'info'),
  row('GET /events', 'events'),
  row('GET /system/df', 'system df'),
  row('POST /auth', 'login'),
  row('GET /plugins', 'plugin ls'),
  row('GET /swarm', 'swarm inspect'),
  row('GET /nodes', 'node ls'),
  row('GET /services', 'service ls'),
  row('GET /tasks', 'service ps'),
  row('GET /secrets', 'secret ls'),
  row('GET /configs', 'config ls'),
];

/** Fixed paths stand before those with a name in their place. */
export const templates: readonly Template[] = [...containers, ...images, ...networks, ...volumes, ...system];
