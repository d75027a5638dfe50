import { create } from 'xmlbuilder2';

/** What xmlbuilder2 takes: `@name` an attribute, `#` the text, arrays repeat the element. */
export type XmlContent = { readonly [name: string]: XmlValue };
export type XmlValue = string | number | XmlContent | readonly XmlContent[] | undefined;

/**
 * xmlbuilder2 takes references in the values it is given for what they stand for, once when it reads them and once
 * when it writes them: with every ampersand escaped twice they stay text. The property test holds it to that.
 */
function prepared(value: XmlValue): unknown {
  if (Array.isArray(value)) return value.map((item) => prepared(item as XmlContent));
  if (typeof value === 'string') return value.replaceAll('&', '&amp;amp;');
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value as XmlContent)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => [name, prepared(inner)]),
  );
}

/** One document. Values are escaped; one with characters that XML cannot carry throws. */
export const writeXml = (document: XmlContent): string =>
  create(prepared(document) as object).end({ headless: true, wellFormed: true });
