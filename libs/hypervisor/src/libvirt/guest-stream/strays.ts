import { BreachError, FrameType, type Frame } from './frame.js';

/** How many streams that are over are remembered; the oldest is forgotten first. */
const remembered = 4096;
/** A guest gives credit back for what it had been sent, in pieces of any size. */
const lateCredits = 1024;

interface Stray {
  dataBytes: number;
  credits: number;
  ended: boolean;
}

/**
 * What a guest may still send on streams that are over, because it did not know it yet. No more than it was granted,
 * and nothing on streams that never were: else a guest could keep us busy with frames that nobody asked for.
 */
export class Strays {
  private readonly byStream = new Map<number, Stray>();

  add(stream: number, dataBytes: number): void {
    this.byStream.set(stream, { dataBytes, credits: lateCredits, ended: false });
    if (this.byStream.size <= remembered) return;
    for (const oldest of this.byStream.keys()) {
      this.byStream.delete(oldest);
      return;
    }
  }

  /** @throws BreachError for a frame that no guest that knows its trade would send */
  pass({ type, stream, payload }: Frame): void {
    const left = this.byStream.get(stream);
    if (!left || !this.mayCome(left, type, payload.length)) {
      throw new BreachError(`a frame of type ${type} on stream ${stream}, which is not open`);
    }
    if (type === FrameType.RESET) this.byStream.delete(stream);
  }

  private mayCome(left: Stray, type: number, bytes: number): boolean {
    switch (type) {
      case FrameType.RESET:
        return true;
      case FrameType.CREDIT:
        return left.credits-- > 0;
      case FrameType.EOF:
        if (left.ended) return false;
        left.ended = true;
        return true;
      case FrameType.DATA:
        left.dataBytes -= bytes;
        return left.dataBytes >= 0 && !left.ended;
      default:
        return false;
    }
  }
}
