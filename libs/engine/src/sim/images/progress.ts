export type Tell = (line: object) => Promise<void>;

export function bar(current: number, total: number): string {
  const width = 50;
  const filled = Math.min(width, Math.round((current / Math.max(1, total)) * width));
  const shape = filled >= width ? '='.repeat(width - 1) + '>' : `${'='.repeat(filled)}>`.padEnd(width);
  const size = (bytes: number) =>
    bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)}kB` : `${(bytes / 1e6).toFixed(2)}MB`;
  return `[${shape}]  ${size(current).padStart(7)}/${size(total)}`;
}

export const progressLine = (id: string, what: string, current: number, total: number): object => ({
  status: what,
  progressDetail: { current, total },
  progress: bar(current, total),
  id,
});

const everyMs = 100;

/** Tells how far something is, not more often than somebody can see, and never waits for who reads. */
export class Teller {
  private last = 0;
  private isTelling = false;

  constructor(
    private readonly tell: Tell,
    private readonly about: { readonly id: string; readonly what: string; readonly total: number },
  ) {}

  at(bytes: number): void {
    const { id, what, total } = this.about;
    const now = performance.now();
    if (this.isTelling || (bytes < total && now - this.last < everyMs)) return;
    this.last = now;
    this.isTelling = true;
    const done = () => void (this.isTelling = false);
    this.tell(progressLine(id, what, bytes, total)).then(done, done);
  }
}
