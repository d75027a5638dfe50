/** What one stream may have granted beyond its first credit: 1 MiB in all. */
const perStreamBytes = 896 * 1024;
/** What all streams of a link may have of it together: this and their first credit is all that can lie unread. */
const perLinkBytes = 16 * 1024 * 1024;

/**
 * Credit beyond what every stream has, for streams whose readers keep up: with 128 KiB a round trip they would be slow.
 * A link has a bounded amount of it, and each stream gives its own back when it is over.
 */
export class Allowance {
  private left = perLinkBytes;

  /** For one more stream. */
  share(): Share {
    let taken = 0;
    return {
      take: (bytes) => {
        const granted = Math.min(bytes, perStreamBytes - taken, this.left);
        taken += granted;
        this.left -= granted;
        return granted;
      },
      giveBack: () => {
        this.left += taken;
        taken = 0;
      },
    };
  }
}

export interface Share {
  /** @returns how many of the bytes may be granted; 0 when all is taken */
  take(bytes: number): number;
  /** All of it; call it once, at the end. */
  giveBack(): void;
}
