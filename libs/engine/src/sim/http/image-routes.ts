import { contextTree } from '../build/context.js';
import { Build, type BuildAsk } from '../build/build.js';
import { parseDockerfile, type Instruction, instruction } from '../build/dockerfile.js';
import { BuildFailure, configSteps } from '../build/steps.js';
import { Stage } from '../build/stage.js';
import { badRequest, DockerError, failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import type { FileTree } from '../files/file-tree.js';
import { layerFromTar } from '../files/layer-tar.js';
import { normalPath } from '../files/node.js';
import { FsError } from '../files/node.js';
import { unpacked } from '../files/tar-read.js';
import { loadImages, saveImages } from '../images/archive.js';
import { catalogue } from '../images/catalogue.js';
import { distribution, imageHistory, imageInspect, imageList } from '../images/image-json.js';
import { newName } from '../images/image-store.js';
import { emptyConfig, makeImage, manifestDigest, sizeOf, type Image } from '../images/image.js';
import { parseReference, tagged } from '../images/reference.js';
import { pullImage, pushImage } from '../images/transfer.js';
import { limits } from '../limits.js';
import { findImage } from '../registry/found-image.js';
import { builderOf, callerOf } from './caller.js';
import { sendTar } from './container-routes.js';
import { goneSignal, ProgressStream, readBody, sendJson, truthy, type Exchange } from './exchange.js';
import { Filters } from './filters.js';
import { route, type Route } from './router.js';

const named = ({ engine, params }: Exchange): Image => engine.images.find(params[0]!);

function list(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), [
    'before',
    'dangling',
    'label',
    'reference',
    'since',
    'until',
  ]);
  const users = (id: string) => engine.imageUsers().filter(({ imageId }) => imageId === id).length;
  sendJson(exchange, 200, imageList(engine.images, truthy(query, 'all'), filters, users));
}

async function inspectRemote(exchange: Exchange): Promise<void> {
  const { engine, params } = exchange;
  const reference = parseReference(params[0]!);
  const here = engine.images.lookUp(tagged(reference));
  const found = here
    ? { kind: 'modelled' as const, image: here }
    : await findImage(engine, reference, callerOf(exchange));
  sendJson(exchange, 200, distribution(found.kind === 'remote' ? found : manifestDigest(found.image)));
}

/** `POST /images/create`: a pull, or an import of the body. */
async function create(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  const from = query.get('fromImage');
  if (from === null || from === '') return importImage(exchange);
  const tag = query.get('tag') ?? '';
  const text =
    tag === ''
      ? from
      : tag.startsWith('sha256:')
        ? `${from}@${tag}`
        : `${from.replace(/:[^/:]+$/, '')}:${tag}`;
  const reference = parseReference(text);
  const found = await findImage(engine, reference, callerOf(exchange));
  await told(exchange, (progress) => pullImage(engine, reference, (line) => progress.send(line), found));
}

/** Sends progress; what fails after the head becomes the last line. */
async function told(exchange: Exchange, run: (progress: ProgressStream) => Promise<unknown>): Promise<void> {
  const progress = new ProgressStream(exchange);
  try {
    await run(progress);
  } catch (error) {
    if (!(error instanceof DockerError || error instanceof BuildFailure || error instanceof FsError))
      throw error;
    await progress.fail(error.message, error instanceof BuildFailure ? error.code : undefined);
  }
  progress.end();
}

async function importImage(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  if (query.get('fromSrc') !== '-')
    throw failure('import from a URL is not modelled by the Bellows simulator');
  const body = await unpacked(await readBody(exchange, limits.archiveBytes));
  const repo = query.get('repo') ?? '';
  const name = repo === '' ? null : newName(repo, query.get('tag') ?? '');
  const layer = engine.charge(layerFromTar(body, null));
  const created = engine.now();
  const comment = query.get('message') || 'Imported from -';
  const history = [{ created: new Date(created).toISOString(), created_by: '', comment }];
  const bare = makeImage({ config: emptyConfig, layers: [layer], history, created, comment });
  const image = engine.images.add(changed(engine, bare, query.getAll('changes')));
  if (name) engine.images.tag(image, name, created);
  engine.events.add('image', 'import', image.id, { name: image.id });
  engine.onChange();
  await told(exchange, (progress) => progress.send({ status: image.id }));
}

/** `--change`: instructions of a Dockerfile that only change the configuration. */
function changed(engine: Engine, image: Image, changes: readonly string[]): Image {
  const stage = new Stage(engine, '', image, {});
  let config = image.json.config;
  for (const text of changes.filter((line) => line.trim() !== '')) {
    const step: Instruction = instruction(text, 1);
    const apply = configSteps[step.keyword];
    if (!apply) throw badRequest(`${step.keyword} is not a valid change command`);
    stage.image = { ...image, json: { ...image.json, config } };
    config = { ...config, ...apply(stage, step).config };
  }
  const { json, layers, comment } = image;
  return makeImage({ config, layers, history: json.history, created: Date.parse(json.created), comment });
}

function buildAsk(exchange: Exchange, context: FileTree): BuildAsk {
  const { query } = exchange;
  const file = query.get('dockerfile') || 'Dockerfile';
  const node = context.stat(normalPath(file));
  if (node?.kind !== 'file') throw failure(`Cannot locate specified Dockerfile: ${file}`);
  return {
    context,
    instructions: parseDockerfile(node.data.toString()),
    args: new Map(Object.entries(parsedMap(query.get('buildargs')))),
    labels: parsedMap(query.get('labels')),
    target: (query.get('target') ?? '').toLowerCase(),
    noCache: truthy(query, 'nocache'),
    pull: truthy(query, 'pull'),
    gone: goneSignal(exchange),
    caller: builderOf(exchange),
  };
}

async function build(exchange: Exchange): Promise<void> {
  const { engine, query } = exchange;
  if (query.get('version') === '2')
    throw badRequest(
      'BuildKit is not modelled by the Bellows simulator: build with the classic builder (DOCKER_BUILDKIT=0)',
    );
  if (query.get('remote'))
    throw badRequest('remote build contexts are not modelled by the Bellows simulator');
  const names = query
    .getAll('t')
    .filter((name) => name !== '')
    .map((name) => newName(name, ''));
  const body = await readBody(exchange, limits.archiveBytes);
  const ask = buildAsk(exchange, await contextTree(body, () => engine.now()));
  const quiet = truthy(query, 'q');
  await told(exchange, async (progress) => {
    const voice = {
      say: (text: string) => (quiet ? Promise.resolve() : progress.send({ stream: text })),
      line: (line: object) => (quiet ? Promise.resolve() : progress.send(line)),
    };
    const image = await new Build(engine, ask, voice).run();
    await progress.send({ aux: { ID: image.id } });
    if (quiet) await progress.send({ stream: `${image.id}\n` });
    else await voice.say(`Successfully built ${image.id.slice(7, 19)}\n`);
    for (const name of names) {
      tagImage(engine, image, name);
      await voice.say(`Successfully tagged ${name}\n`);
    }
  });
}

function tagImage(engine: Engine, image: Image, name: string): void {
  engine.images.tag(image, name, engine.now());
  engine.events.add('image', 'tag', image.id, { name });
  engine.onChange();
}

function parsedMap(text: string | null): Record<string, string> {
  if (text === null || text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    const entries = Object.entries((value ?? {}) as Record<string, unknown>);
    return Object.fromEntries(entries.filter(([, item]) => typeof item === 'string')) as Record<
      string,
      string
    >;
  } catch {
    throw badRequest('invalid JSON in the query');
  }
}

function tag(exchange: Exchange): void {
  const { engine, query } = exchange;
  const image = named(exchange);
  tagImage(engine, image, newName(query.get('repo') ?? '', query.get('tag') ?? ''));
  sendJson(exchange, 201, undefined);
}

function remove(exchange: Exchange): void {
  const { engine, query, params } = exchange;
  const image = named(exchange);
  const options = { force: truthy(query, 'force'), noPrune: truthy(query, 'noprune') };
  const lines = engine.images.remove(params[0]!, options, engine.imageUsers());
  for (const { Untagged, Deleted } of lines)
    engine.events.add('image', Untagged ? 'untag' : 'delete', Deleted ?? image.id, {
      name: Untagged ?? Deleted ?? '',
    });
  engine.releaseLayers();
  engine.onChange();
  sendJson(exchange, 200, lines);
}

function prune(exchange: Exchange): void {
  const { engine, query } = exchange;
  const filters = Filters.parse(query.get('filters'), ['dangling', 'label', 'label!', 'until']);
  const { lines, images } = engine.images.prune(filters.flag('dangling') === false, engine.imageUsers());
  engine.releaseLayers();
  engine.onChange();
  const bytes = images.reduce((sum, image) => sum + sizeOf(image), 0);
  sendJson(exchange, 200, { ImagesDeleted: lines.length > 0 ? lines : null, SpaceReclaimed: bytes });
}

async function push(exchange: Exchange): Promise<void> {
  const { engine, params, query } = exchange;
  const reference = parseReference(params[0]!);
  const asked = query.get('tag') || null;
  await told(exchange, (progress) =>
    pushImage(
      engine,
      { ...reference, tag: asked ?? reference.tag },
      (line) => progress.send(line),
      callerOf(exchange),
    ),
  );
}

async function load(exchange: Exchange): Promise<void> {
  const body = await readBody(exchange, limits.archiveBytes);
  await told(exchange, async (progress) => {
    for (const text of await loadImages(exchange.engine, body)) await progress.send({ stream: text });
  });
}

/** As long as a registry would take. */
const searchMs = 50;

async function search(exchange: Exchange): Promise<void> {
  await exchange.engine.world.clock.sleep(searchMs);
  const term = exchange.query.get('term') ?? '';
  const names = new Set([...catalogue().keys()].map((name) => name.split(':')[0]!));
  const found = [...names].filter((name) => name.includes(term));
  sendJson(
    exchange,
    200,
    found.map((name) => ({
      star_count: 0,
      is_official: true,
      name,
      is_automated: false,
      description: 'modelled by the Bellows simulator',
    })),
  );
}

export const imageRoutes: readonly Route[] = [
  route('GET', '/images/json', list),
  route('GET', '/images/search', search),
  route('GET', '/images/get', (exchange) =>
    sendTar(
      exchange,
      saveImages(
        exchange.engine,
        exchange.query.getAll('names').flatMap((name) => name.split(',')),
      ),
    ),
  ),
  route('POST', '/images/create', create),
  route('POST', '/images/load', load),
  route('POST', '/images/prune', prune),
  route('POST', '/build', build),
  route('POST', '/build/prune', (exchange) =>
    sendJson(exchange, 200, { CachesDeleted: null, SpaceReclaimed: 0 }),
  ),
  route('POST', '/build/cancel', (exchange) => sendJson(exchange, 204, undefined)),
  route('GET', '/images/{*}/json', (exchange) =>
    sendJson(exchange, 200, imageInspect(exchange.engine.images, named(exchange))),
  ),
  route('GET', '/images/{*}/history', (exchange) =>
    sendJson(exchange, 200, imageHistory(exchange.engine.images, named(exchange))),
  ),
  route('GET', '/images/{*}/get', (exchange) =>
    sendTar(exchange, saveImages(exchange.engine, [exchange.params[0]!])),
  ),
  route('GET', '/distribution/{*}/json', inspectRemote),
  route('POST', '/images/{*}/tag', tag),
  route('POST', '/images/{*}/push', push),
  route('DELETE', '/images/{*}', remove),
];
