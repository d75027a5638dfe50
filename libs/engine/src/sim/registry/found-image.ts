import { badRequest, DockerError, failure, notFound } from '../docker-error.js';
import type { Engine } from '../engine.js';
import type { Image } from '../images/image.js';
import { tagged, type Reference } from '../images/reference.js';
import { sha256 } from '../world.js';
import type { CloudRegistry } from './cloud-registry.js';
import { acceptedTypes, readManifest, type Manifest } from './manifest.js';
import { LineError, textOf } from './registry-line.js';
import { RegistryRefusal, type Credentials, type RegistrySession } from './registry-session.js';

/** Who asks, and until when. */
export interface Caller {
  credentials(domain: string): Credentials | null;
  readonly gone: AbortSignal;
}

/** An image that a pull may have: of the model, or of the cloud's registry. */
export type FoundImage =
  | { readonly kind: 'modelled'; readonly image: Image }
  | {
      readonly kind: 'remote';
      readonly manifest: Manifest;
      readonly session: RegistrySession;
      /** The path in the registry. */
      readonly path: string;
      /** What asked names say: the manifest's digest, or its list's. */
      readonly digest: string;
      readonly size: number;
    };

const mostManifestBytes = 4 * 1024 * 1024;
/** A mirror that is slow or down must not keep the model's own images away for long. */
const mirrorWithinMs = 5_000;

/**
 * Where a reference leads: the cloud's registry for its own hosts; for `library/*` its mirror, and then the model; the
 * model for all others. @throws DockerError as dockerd refuses
 */
export async function findImage(engine: Engine, reference: Reference, caller: Caller): Promise<FoundImage> {
  const { cloud, registry } = engine;
  const isOwn = cloud?.serves(reference.domain) ?? false;
  const isOfficial = reference.path.startsWith('library/') && (isOwn || reference.domain === 'docker.io');
  const modelled = (): FoundImage => ({ kind: 'modelled', image: registry.find(reference) });
  if (!cloud || !(isOwn || isOfficial)) return modelled();
  const credentials = isOwn ? caller.credentials(reference.domain) : null;
  const gone = isOwn ? caller.gone : AbortSignal.any([caller.gone, AbortSignal.timeout(mirrorWithinMs)]);
  try {
    const found = await askManifest(cloud, reference, credentials, gone);
    const session = cloud.session(credentials, [`repository:${reference.path}:pull`], caller.gone);
    return { ...found, session };
  } catch (error) {
    if (isOfficial && (!isOwn || isMissing(error))) {
      const image = inModel(() => registry.find(reference));
      if (image || !isOwn) return image ? { kind: 'modelled', image } : modelled();
    }
    throw asPullError(error, reference);
  }
}

const isMissing = (error: unknown): boolean => error instanceof RegistryRefusal && error.status === 404;

function inModel(find: () => Image): Image | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof DockerError) return null;
    throw error;
  }
}

async function askManifest(
  cloud: CloudRegistry,
  reference: Reference,
  credentials: Credentials | null,
  gone: AbortSignal,
) {
  const { path } = reference;
  const session = cloud.session(credentials, [`repository:${path}:pull`], gone);
  const asked = reference.digest ?? reference.tag ?? 'latest';
  const first = await fetchManifest(session, path, asked);
  const top = { digest: first.digest, size: first.body.length };
  let manifest = readManifest(first.body);
  if ('other' in manifest) manifest = readManifest((await fetchManifest(session, path, manifest.other)).body);
  if ('other' in manifest) throw badRequest('a manifest list within a manifest list');
  return { kind: 'remote' as const, manifest, path, ...top };
}

async function fetchManifest(session: RegistrySession, path: string, asked: string) {
  const answer = await session.ask(
    { method: 'GET', path: `/v2/${path}/manifests/${asked}`, headers: { accept: acceptedTypes } },
    [200],
  );
  const body = await textOf(answer, mostManifestBytes);
  const digest = `sha256:${sha256(body)}`;
  const promised = asked.startsWith('sha256:') ? asked : answer.headers['docker-content-digest'];
  if (promised !== undefined && promised !== digest)
    throw failure(`manifest verification failed for digest ${String(promised)}`);
  return { body, digest };
}

/** As dockerd's `translatePullError` words what a registry says. */
export function asPullError(error: unknown, reference: Reference): unknown {
  if (error instanceof LineError) return failure(error.message);
  if (!(error instanceof RegistryRefusal)) return error;
  const { name, digest } = reference;
  switch (error.code) {
    case 'DENIED':
      return notFound(
        `pull access denied for ${name}, repository does not exist or may require 'docker login': ${error.message}`,
      );
    case 'MANIFEST_UNKNOWN':
      return notFound(
        `manifest for ${digest === null ? tagged(reference) : `${name}@${digest}`} not found: ${error.message}`,
      );
    case 'NAME_UNKNOWN':
      return notFound(`repository ${name} not found: ${error.message}`);
    default:
      return failure(error.message);
  }
}

/** As dockerd prints what ends a push. */
export function asPushError(error: unknown): unknown {
  return error instanceof LineError || error instanceof RegistryRefusal ? failure(error.message) : error;
}
