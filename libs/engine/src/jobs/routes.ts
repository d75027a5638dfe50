import type { EngineSubject, EngineSubjectKind } from '@bellows/operations/ports/engine-jobs';
import { plainText } from './plain-text.js';
import { tagged, templates, type Template } from './templates.js';

/** What a call of the Docker Engine API is. */
export interface JobRoute {
  /** Such as `POST /containers/{id}/start`. */
  readonly route: string;
  /** Such as `container start`. */
  readonly verb: string;
  readonly subjects: readonly EngineSubject[];
  readonly execId: string | null;
  /** The engine's events that such a call brings about or waits for, as `container start`. */
  readonly expects: readonly string[];
}

const versionForm = /^\/v\d{1,2}\.\d{1,3}(?=\/)/;
const longestName = 256;
const unknown = { verb: 'other', subjects: [], execId: null, expects: [] } as const;

interface Compiled extends Template {
  readonly form: RegExp;
}

/** By method and first segment: a handful of forms to try. */
const compiled = new Map<string, Compiled[]>();
for (const template of templates) {
  const [method, path] = template.route.split(' ') as [string, string];
  const holes = template.kind === 'image' ? '(.+)' : '([^/]+)';
  const form = new RegExp(`^${path.replaceAll(/\{[a-z]+\}/g, holes)}$`);
  const key = `${method} ${path.split('/', 2)[1]}`;
  compiled.set(key, [...(compiled.get(key) ?? []), { ...template, form }]);
}

/**
 * What a request becomes.
 * @param path with its query, as `cleanRequest` has let it through.
 * @returns null for calls that are not jobs: `_ping`, with which every docker command begins.
 */
export function jobRoute(method: string, path: string): JobRoute | null {
  const [whole, search = ''] = split(path);
  const bare = whole.replace(versionForm, '');
  if (bare === '/_ping') return null;
  for (const template of compiled.get(`${method} ${bare.split('/', 2)[1]}`) ?? []) {
    const found = template.form.exec(bare);
    if (found) return asked(template, found[1], new URLSearchParams(search));
  }
  // What an engine of another day knows; the path is the caller's text and is not kept.
  return { route: `${method} (unknown)`, ...unknown };
}

function asked(template: Template, hole: string | undefined, query: URLSearchParams): JobRoute {
  const { route, verb, verbIn, kind, taggedBy, expects = [] } = template;
  const subjects: EngineSubject[] = [];
  const add = (of: EngineSubjectKind, text: string | null | undefined): void => {
    const name = plainText(text ?? '', longestName);
    if (name !== '') subjects.push(subjectOf(of, name));
  };
  if (hole !== undefined && kind !== undefined && kind !== 'exec') {
    add(kind, taggedBy === undefined ? decoded(hole) : tagged(decoded(hole), query.get(taggedBy)));
  }
  for (const [of, name] of template.named?.(query) ?? []) add(of, name);
  const execId = kind === 'exec' && hole !== undefined ? plainText(hole, longestName) : null;
  return { route, verb: verbIn?.(query) ?? verb, subjects, execId, expects };
}

/** A digest or a number of many hexadecimal digits is an id; anything else a name. */
export const subjectOf = (kind: EngineSubjectKind, text: string): EngineSubject =>
  /^(sha256:)?[0-9a-f]{12,64}$/.test(text) ? { kind, id: text, name: null } : { kind, id: null, name: text };

function split(path: string): [string, string?] {
  const at = path.indexOf('?');
  return at < 0 ? [path] : [path.slice(0, at), path.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
