import type { Process, Program } from '../shell/process.js';
import { openInput } from '../shell/devices.js';

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `256M` in bytes. */
function bytesOf(text: string): number {
  const parts = /^(\d+)([bkmg]?)/i.exec(text);
  return parts ? Number(parts[1]) * units[parts[2]!.toLowerCase()]! : 0;
}

/** Works on that many cores, holding that much memory, for so long; memory comes at 512 MiB a second. */
async function work(process: Process, cores: number, bytes: number, seconds: number): Promise<void> {
  const { clock } = process.machine;
  const endsAt = clock.now() + seconds * 1000;
  process.keepBusy(cores);
  while (clock.now() < endsAt) {
    await process.sleep(Math.min(50, endsAt - clock.now()));
    if (process.memory < bytes) process.useMemory(Math.min(bytes, process.memory + 25 * 1024 * 1024));
  }
}

/** `stress` and `stress-ng`: `--cpu N`, `--vm N --vm-bytes B`, `--timeout S`. */
const stress: Program = async (process) => {
  const words = process.argv.slice(1).flatMap((word) => (word.startsWith('--') ? word.split('=') : [word]));
  const after = (...names: string[]): string | undefined => {
    const at = words.findIndex((word) => names.includes(word));
    return at < 0 ? undefined : (words[at + 1] ?? '');
  };
  const cores = Number(after('--cpu', '-c') ?? 0);
  const hogs = Number(after('--vm', '-m') ?? 0);
  const bytes = hogs * bytesOf(after('--vm-bytes') ?? '256m');
  const seconds = Number.parseInt(after('--timeout', '-t') ?? '1000000000', 10);
  await process.out(
    `stress: info: [${process.pid}] dispatching hogs: ${cores} cpu, 0 io, ${hogs} vm, 0 hdd\n`,
  );
  await work(process, Math.min(1024, cores + hogs), bytes, seconds);
  await process.out(`stress: info: [${process.pid}] successful run completed in ${seconds}s\n`);
  return 0;
};

/** `dd if=… of=… bs=… count=…`; its buffer is memory of the process. */
const dd: Program = async (process) => {
  const given = new Map(process.argv.slice(1).map((word) => word.split('=', 2) as [string, string]));
  const size = bytesOf(given.get('bs') ?? '512');
  process.useMemory(process.memory + size);
  const wanted = size * Number(given.get('count') ?? Number.POSITIVE_INFINITY);
  const input = given.has('if') ? openInput(process, process.path(given.get('if')!)) : process.io.stdin;
  const to = given.get('of');
  const path = to === undefined || to === '/dev/null' ? null : process.path(to);
  if (path) process.machine.tree.write(path, Buffer.alloc(0));
  process.keepBusy(1);
  let copied = 0;
  while (copied < wanted) {
    const data = await process.wait(input.read());
    if (data === null) break;
    const part = data.subarray(0, wanted - copied);
    if (path) process.machine.tree.append(path, part);
    else if (to === undefined) await process.out(part);
    copied += part.length;
  }
  const records = Math.ceil(copied / Math.max(1, size));
  await process.err(`${records}+0 records in\n${records}+0 records out\n`);
  return 0;
};

const timeout: Program = async (process) => {
  const args = process.argv.slice(1).filter((word) => !word.startsWith('-'));
  const seconds = Number.parseFloat(args.shift() ?? '0');
  const running = process.spawn(args);
  const pid = process.table.newestChildOf(process.pid);
  let late = false;
  const timer = process.sleep(seconds * 1000).then(
    () => {
      late = true;
      if (pid !== null) process.table.processes.get(pid)?.kill(15);
    },
    () => undefined,
  );
  const status = await process.wait(running);
  void timer;
  return late ? 124 : status;
};

export const loadPrograms: readonly (readonly [string, Program])[] = [
  ['stress', stress],
  ['stress-ng', stress],
  ['dd', dd],
  ['timeout', timeout],
];
