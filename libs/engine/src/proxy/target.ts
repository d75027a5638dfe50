/** Where in the Docker Engine API a request goes: what follows `…/docker`, as it was sent. */
export interface EngineTarget {
  readonly path: string;
  /** With its `?`; empty when there is none. */
  readonly query: string;
}

/** RFC 3986 path characters and whole percent escapes; nothing else may be in a path that is passed on. */
const pathForm = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
/** Clients send braces and quotes raw; a `#`, a blank or a control character never. */
const queryForm = /^(?:\?[\x21\x22\x24-\x7e]*)?$/;
/** What a path may never hold, once decoded: another reader might take it for the end of a name, or decode again. */
const treacherous = /[^\x20-\x7e]|[\\%?#]/;

/**
 * Reads a path that goes to another server, which may read it more kindly than we do: what two readers could take
 * for different things is refused, never mended.
 * @param raw path and query, undecoded, beginning with `/`.
 * @returns null for a path that has a dot segment, an empty segment or an encoded slash, in any encoding.
 */
export function engineTarget(raw: string): EngineTarget | null {
  const mark = raw.indexOf('?');
  const path = mark < 0 ? raw : raw.slice(0, mark);
  const query = mark < 0 ? '' : raw.slice(mark);
  if (!pathForm.test(path) || !queryForm.test(query)) return null;
  // A dot needs no encoding: who encodes one has a reader in mind who decodes.
  if (/%2[ef]|\/\//i.test(path)) return null;
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  if (treacherous.test(decoded)) return null;
  // `..;x` is a dot segment to servers that strip path parameters.
  const dotted = decoded.split('/').some((segment) => /^\s*\.{1,2}\s*(;.*)?$/.test(segment));
  return dotted ? null : { path, query };
}
