const blockBytes = 16 * 1024;

/**
 * Bytes that came and that nobody has read yet. They are copied together, so that neither a byte at a time nor a
 * chunk held on to for one byte can cost a multiple of what was sent.
 */
export class ReceiveQueue {
  private blocks: Buffer[] = [];
  private tailUsed = 0;
  private bytes = 0;

  get length(): number {
    return this.bytes;
  }

  push(data: Buffer): void {
    this.bytes += data.length;
    const tail = this.blocks.at(-1);
    const taken = tail ? data.copy(tail, this.tailUsed) : 0;
    this.tailUsed += taken;
    if (taken === data.length) return;
    const block = Buffer.allocUnsafeSlow(Math.max(data.length - taken, blockBytes));
    this.tailUsed = data.copy(block, 0, taken);
    this.blocks.push(block);
  }

  /** The oldest bytes, some or all of them; null when there are none. */
  shift(): Buffer | null {
    const block = this.blocks.shift();
    if (!block) return null;
    const bytes = this.blocks.length === 0 ? block.subarray(0, this.tailUsed) : block;
    this.bytes -= bytes.length;
    return bytes;
  }

  clear(): void {
    this.blocks = [];
    this.bytes = 0;
  }
}
