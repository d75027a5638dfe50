import { badRequest } from '../docker-error.js';

/** An image's name as docker reads it: `[domain/]path[:tag][@digest]`. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | null;
  readonly digest: string | null;
  /** Without `docker.io/` and `library/`, as docker shows it; no tag. */
  readonly name: string;
}

const domainShape = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9-]+)*(?::\d+)?$/;
const pathShape = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const tagShape = /^\w[\w.-]{0,127}$/;
const digestShape = /^sha256:[0-9a-f]{64}$/;

/** @throws DockerError 400 */
export function parseReference(text: string): Reference {
  const [named = '', digest = null, ...more] = text.split('@');
  if (text.length > 512 || more.length > 0 || (digest !== null && !digestShape.test(digest)))
    throw badRequest('invalid reference format');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? null : named.slice(colon + 1);
  if (tag !== null && !tagShape.test(tag)) throw badRequest('invalid reference format');
  const parts = repository.split('/');
  const first = parts[0]!;
  const hasDomain =
    parts.length > 1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = hasDomain ? parts.shift()! : 'docker.io';
  if (domain === 'docker.io' && parts.length === 1) parts.unshift('library');
  const path = parts.join('/');
  if (path !== path.toLowerCase())
    throw badRequest(`invalid reference format: repository name (${path}) must be lowercase`);
  if (!domainShape.test(domain) || !parts.every((part) => pathShape.test(part)))
    throw badRequest('invalid reference format');
  const official = domain === 'docker.io' || domain === 'index.docker.io';
  const name = official ? path.replace(/^library\//, '') : `${domain}/${path}`;
  return { domain: official ? 'docker.io' : domain, path, tag, digest, name };
}

/** `name:tag`, the tag `latest` when there is none. */
export const tagged = ({ name, tag }: Reference): string => `${name}:${tag ?? 'latest'}`;
