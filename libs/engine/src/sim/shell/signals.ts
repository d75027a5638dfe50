const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};

/** `TERM`, `SIGTERM`, `sigterm` or `15`; null for what is no signal. */
export function signalNumber(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64 ? Number(text) : null;
  return numbers[text.toUpperCase().replace(/^SIG/, '')] ?? null;
}

export const signalName = (number: number): string =>
  Object.entries(numbers).find(([, value]) => value === number)?.[0] ?? String(number);

/** Signals that by default do nothing (or only stop, which is not modelled). */
export const harmless: ReadonlySet<number> = new Set([17, 18, 19, 20, 21, 22, 23, 28]);
