import { create } from 'xmlbuilder2';

/** What xmlbuilder2 takes: `@name` an attribute, `#` the text, arrays repeat the element. */
export type XmlContent = { readonly [name: string]: XmlValue };
export type XmlValue = string | number | XmlContent | readonly XmlContent[] | undefined;

function dropUndefined(value: XmlValue): unknown {
  if (Array.isArray(value)) return value.map((item) => dropUndefined(item as XmlContent));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value as XmlContent)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => [name, dropUndefined(inner)]),
  );
}

/** One document. Values are escaped; one with characters that XML cannot carry throws. */
export const writeXml = (document: XmlContent): string =>
  create(dropUndefined(document) as object).end({ headless: true, wellFormed: true });
