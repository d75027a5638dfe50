/** What every bench prints last: one JSON object on one line. Exits 1 where the bench's own invariants broke. */
export function report(result: Record<string, unknown>, broken: readonly string[] = []): void {
  console.log(JSON.stringify({ ...result, ...(broken.length > 0 && { broken }) }));
  if (broken.length > 0) process.exitCode = 1;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Nearest-rank quantile. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? NaN;
}

export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits));
