/**
 * Control characters of every kind: C0, DEL, C1, line and paragraph separators, and those that turn the direction of
 * writing round or are not seen, with which one name can be made to look like another.
 */
const unseen =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Text of a caller or a guest, fit to be kept and shown: cut to a length in UTF-16 units, and well formed. */
export function plainText(text: string, most: number): string {
  return text
    .slice(0, 2 * most)
    .replace(unseen, '')
    .slice(0, most)
    .replace(/\p{Surrogate}/gu, '\ufffd');
}
