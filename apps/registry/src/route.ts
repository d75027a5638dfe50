import { isDigest, isTag, ownerOf, type RepositoryOwner } from '@bellows/domain/repository';

/** What a request to the registry is about (OCI distribution specification, "Endpoints"). */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | {
      readonly kind: 'tags' | 'manifest' | 'blob' | 'upload-start' | 'upload';
      readonly repository: string;
      readonly owner: RepositoryOwner;
      /** Tag or digest of a manifest, digest of a blob, id of an upload; empty where there is none. */
      readonly reference: string;
    };

export type RepositoryRoute = Extract<Route, { repository: string }>;

const forms: readonly [RepositoryRoute['kind'], RegExp][] = [
  ['tags', /^(.+)\/tags\/list()$/],
  ['upload', /^(.+)\/blobs\/uploads\/([A-Za-z0-9=_-]{1,128})$/],
  ['upload-start', /^(.+)\/blobs\/uploads\/?()$/],
  ['manifest', /^(.+)\/manifests\/([^/]+)$/],
  ['blob', /^(.+)\/blobs\/([^/]+)$/],
];

const methods: Readonly<Record<Route['kind'], readonly string[]>> = {
  base: ['GET', 'HEAD'],
  catalog: ['GET'],
  tags: ['GET'],
  manifest: ['GET', 'HEAD', 'PUT', 'DELETE'],
  blob: ['GET', 'HEAD', 'DELETE'],
  'upload-start': ['POST'],
  upload: ['GET', 'PATCH', 'PUT', 'DELETE'],
};

/**
 * @param path as it came, without its query: nothing is decoded, so what is written in another way is nothing.
 * @returns null when it is no path of the registry that somebody of ours could mean.
 */
export function routeOf(path: string): Route | null {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/') || path.length > 600) return null;
  for (const [kind, form] of forms) {
    const [, repository, reference = ''] = form.exec(path.slice('/v2/'.length)) ?? [];
    const owner = repository === undefined ? null : ownerOf(repository);
    if (repository && owner && fits(kind, reference)) return { kind, repository, owner, reference };
  }
  return null;
}

function fits(kind: RepositoryRoute['kind'], reference: string): boolean {
  if (kind === 'manifest') return isTag(reference) || isDigest(reference);
  return kind === 'blob' ? isDigest(reference) : true;
}

export const methodsOf = (route: Route): readonly string[] => methods[route.kind];

export const writes = (method: string): boolean => method !== 'GET' && method !== 'HEAD';
