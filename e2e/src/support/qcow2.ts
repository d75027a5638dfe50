/** Version 2, with a backing file, as QEMU's docs/interop/qcow2.txt has it. */
export function qcow2Header(backing: string, bytes: number): Buffer {
  const header = Buffer.alloc(512);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeBigUInt64BE(256n, 8);
  header.writeUInt32BE(backing.length, 16);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(bytes), 24);
  header.writeUInt32BE(Math.ceil(bytes / 2 ** 29), 36);
  header.writeBigUInt64BE(0x30000n, 40);
  header.writeBigUInt64BE(0x10000n, 48);
  header.writeUInt32BE(1, 56);
  header.write(backing, 256, 'latin1');
  return header;
}
