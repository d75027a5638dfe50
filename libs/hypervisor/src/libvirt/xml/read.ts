import { XMLParser } from 'fast-xml-parser';

/** An element of a document that libvirt sent. Text is that of the element itself, trimmed. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

/** Larger than any domain's description; a text beyond it is refused before it is parsed. */
const maxChars = 4 * 1024 * 1024;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: true,
  htmlEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

type Raw = Record<string, unknown>;

function convert(raw: Raw): XmlNode | string | null {
  const name = Object.keys(raw).find((key) => key !== ':@');
  if (name === undefined) return null;
  if (name === '#text') return String(raw[name]);
  const parts = (raw[name] as Raw[]).map(convert);
  return {
    name,
    attributes: Object.assign(Object.create(null) as Record<string, string>, raw[':@']),
    text: parts
      .filter((part) => typeof part === 'string')
      .join('')
      .trim(),
    children: parts.filter((part): part is XmlNode => typeof part === 'object' && part !== null),
  };
}

/** Parses one document. A DTD, and with it every entity of one's own, is refused. */
export function readXml(text: string): XmlNode {
  if (text.length > maxChars) throw new Error(`XML of ${text.length} characters`);
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new Error('XML with a DTD');
  const roots = (parser.parse(text) as Raw[]).map(convert).filter((node) => typeof node === 'object');
  const root = roots[0];
  if (!root || roots.length !== 1) throw new Error('XML without exactly one root element');
  return root;
}

export const childrenOf = (node: XmlNode | undefined, name: string): readonly XmlNode[] =>
  node?.children.filter((child) => child.name === name) ?? [];

/** Follows the first element of each name. */
export function at(node: XmlNode | undefined, ...path: string[]): XmlNode | undefined {
  return path.reduce<XmlNode | undefined>(
    (found, name) => found?.children.find((child) => child.name === name),
    node,
  );
}

/** The whole number an element holds; undefined when there is no such element or it holds none. */
export function numberAt(node: XmlNode | undefined, ...path: string[]): number | undefined {
  const text = at(node, ...path)?.text;
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const bytesIn: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KiB: 2 ** 10,
  k: 2 ** 10,
  MiB: 2 ** 20,
  M: 2 ** 20,
  GiB: 2 ** 30,
  G: 2 ** 30,
  TiB: 2 ** 40,
  T: 2 ** 40,
};

/** A memory size in MiB; libvirt's unit is KiB where none is named. */
export function mibAt(node: XmlNode | undefined, ...path: string[]): number | undefined {
  const amount = numberAt(node, ...path);
  const unit = bytesIn[at(node, ...path)?.attributes['unit'] ?? 'KiB'];
  return amount === undefined || unit === undefined ? undefined : (amount * unit) / 2 ** 20;
}
