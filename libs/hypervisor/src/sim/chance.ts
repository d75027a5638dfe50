/**
 * Chance that does not depend on order: every draw is a hash of what it is for, so two workers racing on two
 * guests get the same numbers whoever comes first, and a restarted fleet continues the same run.
 */
export function chanceOf(seed: string, ...purpose: readonly (string | number)[]): number {
  const text = `${seed}|${purpose.join('|')}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // FNV-1a alone leaves the high bits of short texts poorly mixed; this is MurmurHash3's finalizer.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}
