import { badRequest, DockerError, failure, notFound } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { archiveOf, extractInto } from '../files/layer-tar.js';
import { FsError, nameOf, normalPath, type FileNode } from '../files/node.js';
import { unpacked } from '../files/tar-read.js';
import { makeImage, type Image } from '../images/image.js';
import { parseConfig, type Json } from './config.js';
import type { Container } from './container.js';
import { containerEvent } from './container-events.js';

/** Go's os.ModeDir and os.ModeSymlink. */
const goMode = (node: FileNode): number =>
  node.kind === 'dir' ? 2147483648 + node.mode : node.kind === 'link' ? 134217728 + node.mode : node.mode;

function nodeAt(container: Container, path: string): { at: string; node: FileNode } {
  if (path === '') throw badRequest("bad parameter: 'path' cannot be empty");
  const at = normalPath(path);
  const node = container.tree.lstat(at);
  const missing = notFound(`Could not find the file ${path} in container ${container.name}`);
  if (!node) throw missing;
  if ((path.endsWith('/') || path.endsWith('/.')) && node.kind === 'file') throw failure('not a directory');
  return { at, node };
}

/** The `X-Docker-Container-Path-Stat` header. */
export function pathStat(container: Container, path: string): string {
  const { at, node } = nodeAt(container, path);
  const stat = {
    name: nameOf(at) || '/',
    size: node.kind === 'file' ? node.data.length : 4096,
    mode: goMode(node),
    mtime: new Date(node.mtime).toISOString(),
    linkTarget: node.kind === 'link' ? container.tree.resolve(at, true) : '',
  };
  return Buffer.from(JSON.stringify(stat)).toString('base64');
}

export function getArchive(container: Container, path: string): Buffer {
  const { at } = nodeAt(container, path);
  const root = path.endsWith('/.') ? './' : nameOf(at) || '/';
  return archiveOf(container.tree, at, root);
}

export async function putArchive(
  engine: Engine,
  container: Container,
  path: string,
  body: Buffer,
): Promise<void> {
  const { at } = nodeAt(container, path);
  if (!container.tree.isDir(at)) throw badRequest('extraction point is not a directory');
  const data = await unpacked(body);
  try {
    extractInto(container.tree, container.tree.resolve(at, true), data);
  } catch (error) {
    throw asDockerError(error);
  }
  containerEvent(engine, container, 'extract-to-dir');
}

export function asDockerError(error: unknown): unknown {
  if (!(error instanceof FsError)) return error;
  if (error.code === 'EROFS') return new DockerError(400, 'container rootfs is marked read-only');
  return failure(`${error.path}: ${error.message.toLowerCase()}`);
}

export const exportContainer = (container: Container): Buffer => archiveOf(container.tree, '/', './');

export interface CommitAsk {
  readonly author: string;
  readonly comment: string;
  /** Overrides of the container's configuration. */
  readonly config: Json;
}

/** `POST /commit`: the writable layer becomes one of an image. */
export function commitContainer(
  engine: Engine,
  container: Container,
  { author, comment, config }: CommitAsk,
): Image {
  const { image } = container;
  const empty = container.layer.nodes.size === 0;
  const created = engine.now();
  const given = parseConfig(config);
  const own = container.config;
  const line = {
    created: new Date(created).toISOString(),
    created_by: container.argv.join(' '),
    ...(comment ? { comment } : {}),
  };
  return engine.images.add(
    makeImage({
      config: {
        User: given.User || own.User,
        Env: given.Env.length > 0 ? given.Env : own.Env,
        Cmd: given.Cmd ?? own.Cmd,
        Entrypoint: given.Entrypoint ?? own.Entrypoint,
        Volumes: given.Volumes ?? own.Volumes,
        WorkingDir: given.WorkingDir || own.WorkingDir,
        Labels: { ...own.Labels, ...given.Labels },
        OnBuild: null,
        ...(own.ExposedPorts || given.ExposedPorts
          ? { ExposedPorts: { ...own.ExposedPorts, ...given.ExposedPorts } }
          : {}),
        ...(own.StopSignal ? { StopSignal: own.StopSignal } : {}),
      },
      layers: empty ? image.layers : [...image.layers, engine.charge(container.layer)],
      history: [...image.json.history, { ...line, ...(empty ? { empty_layer: true } : {}) }],
      created,
      author,
      comment,
      parent: image.id,
      modelledBytes: image.modelledBytes,
    }),
  );
}
