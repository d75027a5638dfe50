/**
 * A 1.44 MB floppy image, FAT12, with long file names: what cloud-init and every kernel can read, without tools.
 * Layout after Microsoft's "FAT: General Overview of On-Disk Format" 1.03: boot sector, two FATs, root, data.
 */
const sectorBytes = 512;
const totalSectors = 2880;
const fatSectors = 9;
const rootEntries = 224;
const rootStart = 1 + 2 * fatSectors;
const dataStart = rootStart + (rootEntries * 32) / sectorBytes;
const clusters = totalSectors - dataStart;
const endOfChain = 0xfff;

export const fat12Bytes = totalSectors * sectorBytes;
/** The most that the files may hold together. */
export const fat12CapacityBytes = clusters * sectorBytes;

function bootSector(image: Buffer, label: string): void {
  image.write('\xeb\x3c\x90', 0, 'latin1');
  image.write('MSDOS5.0', 3, 'latin1');
  image.writeUInt16LE(sectorBytes, 11);
  image.writeUInt8(1, 13); // sectors a cluster
  image.writeUInt16LE(1, 14); // reserved sectors
  image.writeUInt8(2, 16); // FATs
  image.writeUInt16LE(rootEntries, 17);
  image.writeUInt16LE(totalSectors, 19);
  image.writeUInt8(0xf0, 21); // removable medium
  image.writeUInt16LE(fatSectors, 22);
  image.writeUInt16LE(18, 24); // sectors a track
  image.writeUInt16LE(2, 26); // heads
  image.writeUInt8(0x29, 38); // label and file system type follow
  image.writeUInt32LE(0xbe110e5, 39);
  image.write(label.padEnd(11), 43, 11, 'latin1');
  image.write('FAT12   ', 54, 'latin1');
  image.writeUInt16LE(0xaa55, 510);
}

/** Two entries share three bytes. */
function setFat(image: Buffer, cluster: number, value: number): void {
  for (const fat of [0, 1]) {
    const offset = (1 + fat * fatSectors) * sectorBytes + cluster + (cluster >> 1);
    const pair = image.readUInt16LE(offset);
    image.writeUInt16LE(cluster & 1 ? (pair & 0x000f) | (value << 4) : (pair & 0xf000) | value, offset);
  }
}

function entry(name11: string, attribute: number, cluster: number, bytes: number): Buffer {
  const made = Buffer.alloc(32);
  made.write(name11, 0, 11, 'latin1');
  made.writeUInt8(attribute, 11);
  made.writeUInt16LE(0x21, 16); // created, accessed, written on 1980-01-01: the same input gives the same image
  made.writeUInt16LE(0x21, 18);
  made.writeUInt16LE(0x21, 24);
  made.writeUInt16LE(cluster, 26);
  made.writeUInt32LE(bytes, 28);
  return made;
}

const shortNameSum = (name11: string): number =>
  [...name11].reduce((sum, char) => (((sum & 1) << 7) + (sum >> 1) + char.charCodeAt(0)) & 0xff, 0);

/** The entries of a long name stand before the short one, last part first, 13 UTF-16 units each. */
function longName(name: string, name11: string): Buffer[] {
  const parts = Math.ceil(name.length / 13);
  const units = [...name].map((char) => char.charCodeAt(0));
  if (units.length % 13) units.push(0);
  while (units.length % 13) units.push(0xffff);
  const made = Array.from({ length: parts }, (_, part) => {
    const slot = Buffer.alloc(32);
    slot.writeUInt8((part + 1) | (part === parts - 1 ? 0x40 : 0), 0);
    slot.writeUInt8(0x0f, 11);
    slot.writeUInt8(shortNameSum(name11), 13);
    const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
    places.forEach((place, i) => slot.writeUInt16LE(units[part * 13 + i]!, place));
    return slot;
  });
  return made.reverse();
}

/**
 * @param label at most 11 characters, kept in the case given.
 * @param files lower-case ASCII names of at most 26 characters. Throws RangeError when they do not fit.
 */
export function fat12Image(label: string, files: ReadonlyMap<string, Buffer>): Buffer {
  const image = Buffer.alloc(fat12Bytes);
  bootSector(image, label);
  setFat(image, 0, 0xff0);
  setFat(image, 1, endOfChain);
  const root = [entry(label.padEnd(11), 0x08, 0, 0)];
  let next = 2;
  let number = 0;
  for (const [name, content] of files) {
    if (!/^[a-z0-9._-]{1,26}$/.test(name)) throw new RangeError(`file name ${JSON.stringify(name)}`);
    const count = Math.ceil(content.length / sectorBytes);
    if (next - 2 + count > clusters)
      throw new RangeError(`the files need more than ${fat12CapacityBytes} bytes`);
    content.copy(image, (dataStart + next - 2) * sectorBytes);
    for (let i = 0; i < count; i++) setFat(image, next + i, i === count - 1 ? endOfChain : next + i + 1);
    const name11 = `SEED~${++number}`.padEnd(11);
    root.push(...longName(name, name11), entry(name11, 0x20, count ? next : 0, content.length));
    next += count;
  }
  if (root.length > rootEntries) throw new RangeError('too many files');
  Buffer.concat(root).copy(image, rootStart * sectorBytes);
  return image;
}
