import { InvalidArgumentError } from 'commander';

interface Size {
  readonly vcpus: number;
  readonly ramMib: number;
  readonly diskGib: number;
}

const short = (figure: number): string => String(Number(figure.toFixed(2)));

export const memory = (mib: number): string =>
  Math.abs(mib) < 1024
    ? `${mib} MiB`
    : Math.abs(mib) < 1_048_576
      ? `${short(mib / 1024)} GiB`
      : `${short(mib / 1_048_576)} TiB`;

export const disk = (gib: number): string =>
  Math.abs(gib) < 1024 ? `${gib} GiB` : `${short(gib / 1024)} TiB`;

export const sizeText = ({ vcpus, ramMib, diskGib }: Size): string =>
  `${vcpus} vCPU · ${memory(ramMib)} · disk ${disk(diskGib)}`;

/** `12 / 60 GiB`, or `40 GiB / 2 TiB` where the units differ. */
export function shareOf(used: number, whole: number, unit: 'memory' | 'disk' | 'count'): string {
  const text = unit === 'memory' ? memory : unit === 'disk' ? disk : String;
  const [figure, name] = text(used).split(' ');
  const sameUnit = used === 0 || name === text(whole).split(' ')[1];
  return `${sameUnit ? figure : text(used)} / ${text(whole)}`;
}

/** Rounded down to what a person wants to know; tenths below ten seconds. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return two(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return two(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

const two = (major: number, majorUnit: string, minor: number, minorUnit: string): string =>
  minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;

/** One unit only, for a column: `45 s`, `3 min`, `2 h`, `9 d`. */
export function age(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** RFC 3339 without fractions, easier to read: `2025-11-23 20:15:04Z`. */
export const moment = (time: string | null): string =>
  time === null ? '—' : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}Z`;

const factorsMib: Readonly<Record<string, number>> = { m: 1, g: 1024, t: 1_048_576 };

function amountMib(text: string, bare: 'm' | 'g'): number {
  const match = /^(\d+(?:\.\d+)?)\s*([mgt]?)(?:i?b)?$/i.exec(text.trim());
  const mib = match ? Number(match[1]) * factorsMib[match[2]!.toLowerCase() || bare]! : NaN;
  if (!Number.isInteger(mib) || mib <= 0) throw new InvalidArgumentError('Give a size such as 512m or 2g.');
  return mib;
}

/** `2g`, `2GiB`, `512m`, or a number of MiB, as the API counts memory. @returns MiB */
export const parseMemory = (text: string): number => amountMib(text, 'm');

/** `20g`, `1t`, or a number of GiB, as the API counts disk. @returns GiB */
export function parseDisk(text: string): number {
  const gib = amountMib(text, 'g') / 1024;
  if (!Number.isInteger(gib)) throw new InvalidArgumentError('A disk is a whole number of GiB, such as 20g.');
  return gib;
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** `90`, `90s`, `10m`, `1h`. @returns milliseconds */
export function parseDuration(text: string): number {
  const match = /^(\d{1,6}(?:\.\d+)?)([smh]?)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Give a time such as 90s, 10m or 1h.');
  return Number(match[1]) * secondsOf[match[2] || 's']! * 1000;
}

/** `2c4g`, as plans are named: vCPUs and GiB of memory. */
export function parseBound(text: string): { vcpus: number; ramMib: number } {
  const match = /^(\d{1,4})c(\d{1,6})([mg])$/.exec(text);
  if (!match) throw new InvalidArgumentError('Give vCPUs and memory such as 2c4g.');
  return { vcpus: Number(match[1]), ramMib: Number(match[2]) * factorsMib[match[3]!]! };
}
