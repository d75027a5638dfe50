import { looksLikeId, type ProjectId } from './ids.js';

/** Whose a repository is: a project's (`prj-…/anything`), or everybody's to pull (`library/anything`). */
export type RepositoryOwner = { readonly project: ProjectId } | { readonly project: null };

/** A path component as the OCI distribution specification has it. */
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const nameForm = new RegExp(`^${component}(?:/${component})+$`);
const longestName = 255;

/** Base images of the cloud: everybody pulls them, only admins push them. */
export const libraryNamespace = 'library';

/**
 * The owner of a repository by its name; null when no repository of this cloud can have that name. The first part is
 * a project's id, never its name: ids are unique for ever, so nobody can come to own what another has pushed.
 */
export function ownerOf(name: string): RepositoryOwner | null {
  if (name.length > longestName || !nameForm.test(name)) return null;
  const [first = ''] = name.split('/', 1);
  if (first === libraryNamespace) return { project: null };
  return looksLikeId('project', first) ? { project: first as ProjectId } : null;
}

export const isTag = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text);

/** Of the one algorithm that is used; `sha256:` and 64 lower-case hexadecimal digits. */
export const isDigest = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);
