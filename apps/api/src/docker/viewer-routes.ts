const name = '[^/]+';
/** Names of images hold slashes. */
const image = '.+';

/**
 * What a viewer may ask a container engine: what there is and how it is. Not what copies files out (archive,
 * export, get), makes the engine call somebody (search, distribution), or speaks to a process (attach).
 */
const readOnly = [
  '_ping',
  'version',
  'info',
  'events',
  'system/df',
  'containers/json',
  `containers/${name}/(json|top|logs|stats|changes)`,
  `exec/${name}/json`,
  'images/json',
  `images/${image}/(json|history)`,
  'networks',
  `networks/${name}`,
  'volumes',
  `volumes/${name}`,
].map((form) => new RegExp(`^/(v\\d{1,2}\\.\\d{1,3}/)?${form}$`));

/** @param path of the engine's API, checked, without the query. */
export const viewerMay = (method: string, path: string): boolean =>
  (method === 'GET' || method === 'HEAD') && readOnly.some((form) => form.test(path));
