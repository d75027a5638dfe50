import type { Process, Program } from '../shell/process.js';
import { evaluateTest } from '../shell/test-expression.js';
import { kernelRelease, loadAverage, memInfo } from './proc.js';
import { options } from './usage.js';

const printing =
  (text: (process: Process) => string): Program =>
  async (process) => {
    await process.out(text(process));
    return 0;
  };

const env: Program = async (process) => {
  const args = process.argv.slice(1);
  const changed = new Map(process.env);
  if (args[0] === '-i') {
    args.shift();
    changed.clear();
  }
  for (
    let found = /^(\w+)=([^]*)$/.exec(args[0] ?? '');
    found;
    found = /^(\w+)=([^]*)$/.exec(args[0] ?? '')
  ) {
    changed.set(found[1]!, found[2]!);
    args.shift();
  }
  if (args.length > 0) return process.wait(process.spawn(args, { env: changed }));
  for (const [name, value] of changed) await process.out(`${name}=${value}\n`);
  return 0;
};

const printenv: Program = async (process) => {
  const names = process.argv.slice(1);
  if (names.length === 0) return env(process);
  for (const name of names) if (process.env.has(name)) await process.out(`${process.env.get(name)}\n`);
  return names.every((name) => process.env.has(name)) ? 0 : 1;
};

const id: Program = printing(({ argv, start: { user } }) => {
  if (argv.includes('-u')) return `${argv.includes('-n') || argv.includes('-un') ? user.name : user.uid}\n`;
  if (argv.includes('-un')) return `${user.name}\n`;
  if (argv.includes('-g')) return `${user.gid}\n`;
  return `uid=${user.uid}(${user.name}) gid=${user.gid}(${user.name}) groups=${user.gid}(${user.name})\n`;
});

const sleep: Program = async (process) => {
  const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };
  let seconds = 0;
  for (const word of process.argv.slice(1)) {
    const parts = /^(\d*\.?\d+)([smhd]?)$/.exec(word);
    if (!parts && word !== 'infinity') {
      await process.err(`sleep: invalid number '${word}'\n`);
      return 1;
    }
    seconds += parts ? Number(parts[1]) * units[parts[2] || 's']! : 1e9;
  }
  const until = process.machine.clock.now() + seconds * 1000;
  for (let left = seconds * 1000; left > 0; left = until - process.machine.clock.now())
    await process.sleep(Math.min(left, 24 * 3600 * 1000));
  return 0;
};

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const date: Program = printing(({ argv, machine }) => {
  const now = new Date(machine.clock.now());
  const two = (n: number) => String(n).padStart(2, '0');
  const utc = now.toUTCString();
  const fields: Record<string, string> = {
    Y: String(now.getUTCFullYear()),
    m: two(now.getUTCMonth() + 1),
    d: two(now.getUTCDate()),
    H: two(now.getUTCHours()),
    M: two(now.getUTCMinutes()),
    S: two(now.getUTCSeconds()),
    s: String(Math.floor(now.getTime() / 1000)),
    Z: 'UTC',
    N: `${String(now.getTime() % 1000).padStart(3, '0')}000000`,
    A: weekdays[now.getUTCDay()]!,
    a: utc.slice(0, 3),
    b: utc.slice(8, 11),
    T: now.toISOString().slice(11, 19),
    F: now.toISOString().slice(0, 10),
    '%': '%',
    n: '\n',
  };
  const format = argv.find((word) => word.startsWith('+'));
  if (format !== undefined)
    return `${format.slice(1).replace(/%(.)/g, (all, letter: string) => fields[letter] ?? all)}\n`;
  if (argv.includes('-Iseconds')) return `${now.toISOString().slice(0, 19)}+00:00\n`;
  return `${fields['a']} ${fields['b']} ${String(now.getUTCDate()).padStart(2)} ${fields['T']} UTC ${fields['Y']}\n`;
});

const uname: Program = printing(({ argv, machine }) => {
  const { flags } = options(argv);
  const all = {
    s: 'Linux',
    n: machine.hostname,
    r: kernelRelease,
    v: '#1 SMP Bellows simulator',
    m: 'x86_64',
    o: 'GNU/Linux',
  };
  const wanted = Object.entries(all).filter(([flag]) => flags.has('a') || flags.has(flag));
  return `${(wanted.length > 0 ? wanted.map(([, text]) => text) : ['Linux']).join(' ')}\n`;
});

const ps: Program = async (process) => {
  await process.out('PID   USER     TIME  COMMAND\n');
  for (const { pid, start, argv, cpuMs } of process.table.processes.values()) {
    const minutes = Math.floor(cpuMs / 60_000);
    const seconds = String(Math.floor(cpuMs / 1000) % 60).padStart(2, '0');
    await process.out(
      `${String(pid).padStart(5)} ${start.user.name.padEnd(8)} ${String(minutes).padStart(3)}:${seconds} ${argv.join(' ')}\n`,
    );
  }
  return 0;
};

const uptime: Program = printing(({ machine, table }) => {
  const first = table.processes.get(1)?.startedAt ?? machine.clock.now();
  const minutes = Math.floor((machine.clock.now() - first) / 60_000);
  const time = new Date(machine.clock.now()).toISOString().slice(11, 19);
  return ` ${time} up ${minutes} min,  0 users,  load average: ${loadAverage(table)}\n`;
});

/** As coreutils and busybox: what the scheduler lets it run on, not its quota. */
const nproc: Program = printing(({ machine }) => `${machine.size().vcpus}\n`);

const free: Program = printing(({ argv, table, machine }) => {
  const { flags } = options(argv);
  const unit = flags.has('m') ? 1024 : flags.has('g') ? 1024 * 1024 : flags.has('b') ? 1 / 1024 : 1;
  const { totalKib, usedKib } = memInfo(machine, table);
  const shown = (kib: number) => String(Math.floor(kib / unit)).padStart(12);
  const free = totalKib - usedKib;
  const head = '               total        used        free      shared  buff/cache   available\n';
  return `${head}Mem:    ${shown(totalKib)}${shown(usedKib)}${shown(free)}${shown(0)}${shown(0)}${shown(free)}\nSwap:   ${shown(0)}${shown(0)}${shown(0)}\n`;
});

const df: Program = printing(
  () =>
    'Filesystem           1K-blocks      Used Available Use% Mounted on\noverlay               10255636   1048576   9207060  10% /\n',
);

const killProgram: Program = async (process) => {
  const pids = process.argv.slice(1).filter((word) => /^\d+$/.test(word));
  const signal = process.argv.includes('-9') || process.argv.includes('-KILL') ? 9 : 15;
  for (const pid of pids) {
    const target = process.table.processes.get(Number(pid));
    if (target && !(target.pid === 1 && signal === 9)) target.kill(signal);
  }
  return 0;
};

const done =
  (status: number): Program =>
  () =>
    Promise.resolve(status);

export const systemPrograms: readonly (readonly [string, Program])[] = [
  ['env', env],
  ['printenv', printenv],
  ['id', id],
  ['sleep', sleep],
  ['date', date],
  ['uname', uname],
  ['ps', ps],
  ['uptime', uptime],
  ['nproc', nproc],
  ['free', free],
  ['df', df],
  ['kill', killProgram],
  ['true', done(0)],
  ['false', done(1)],
  ['sync', done(0)],
  [
    'hostname',
    printing(
      ({ argv, machine }) =>
        `${argv.includes('-i') ? (machine.resolve(machine.hostname) ?? '') : machine.hostname}\n`,
    ),
  ],
  ['whoami', printing(({ start }) => `${start.user.name}\n`)],
  ['pwd', printing(({ cwd }) => `${cwd}\n`)],
  ['tty', printing(({ io }) => (io.tty ? '/dev/pts/0\n' : 'not a tty\n'))],
  ['arch', printing(() => 'x86_64\n')],
  [
    'stty',
    printing(({ io, argv }) =>
      argv[1] === 'size' ? `${io.tty?.rows ?? 0} ${io.tty?.columns ?? 0}\n` : 'speed 38400 baud\n',
    ),
  ],
  ['test', async (process) => evaluateTest(process, process.argv.slice(1))],
  ['[', async (process) => evaluateTest(process, process.argv.slice(1, -1))],
];
