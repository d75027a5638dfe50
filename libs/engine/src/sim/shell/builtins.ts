import { BreakLoop, ReturnValue } from './control.js';
import { findProgram } from './find-program.js';
import type { Io } from './pipes.js';
import { Exit } from './process.js';
import type { ShellFace } from './shell-face.js';
import { signalName, signalNumber } from './signals.js';
import { evaluateTest } from './test-expression.js';

export type Builtin = (shell: ShellFace, argv: string[], io: Io) => Promise<number>;

const say = (io: Io, text: string): Promise<void> => io.stdout.write(Buffer.from(text));
const complain = (shell: ShellFace, io: Io, text: string): Promise<void> =>
  io.stderr.write(Buffer.from(`${shell.shellName}: ${text}\n`));

const done = async (status = 0): Promise<number> => status;
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const cd: Builtin = async (shell, argv, io) => {
  const target = argv[1] === '-' ? shell.get('OLDPWD') : (argv[1] ?? shell.vars.get('HOME'));
  const path = shell.process.path(target ?? '/');
  if (!shell.tree.isDir(path)) {
    await complain(shell, io, `cd: can't cd to ${target}: No such file or directory`);
    return 2;
  }
  shell.set('OLDPWD', shell.cwd);
  shell.process.cwd = path;
  shell.set('PWD', path);
  return 0;
};

const exported: Builtin = async (shell, argv, io) => {
  if (argv.length === 1 || argv[1] === '-p')
    for (const [name, value] of shell.environment()) await say(io, `export ${name}=${quote(value)}\n`);
  for (const word of argv.slice(1).filter((text) => !text.startsWith('-'))) {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    if (at >= 0) shell.set(name, word.slice(at + 1));
    shell.exported.add(name);
  }
  return 0;
};

const local: Builtin = async (shell, argv) => {
  for (const word of argv.slice(1)) {
    const at = word.indexOf('=');
    shell.set(at < 0 ? word : word.slice(0, at), at < 0 ? '' : word.slice(at + 1));
  }
  return 0;
};

const set: Builtin = async (shell, argv, io) => {
  const args = argv.slice(1);
  if (args.length === 0)
    for (const [name, value] of [...shell.vars].sort()) await say(io, `${name}=${quote(value)}\n`);
  for (let word = args[0]; word && /^[-+]\w/.test(word); word = args[0]) {
    args.shift();
    for (const letter of word.slice(1)) {
      if (letter === 'o') args.shift();
      else if (word.startsWith('-')) shell.options.add(letter);
      else shell.options.delete(letter);
    }
  }
  if (args[0] === '--') args.shift();
  else if (args.length === 0) return 0;
  shell.positional = args;
  return 0;
};

const read: Builtin = async (shell, argv, io) => {
  const args = argv.slice(1);
  while (args[0]?.startsWith('-')) {
    const flag = args.shift();
    if (flag === '-p') await io.stderr.write(Buffer.from(args.shift() ?? ''));
    else if (flag === '-t' || flag === '-n') args.shift();
  }
  const line = await shell.process.wait(io.stdin.readLine());
  const names = args.length > 0 ? args : ['REPLY'];
  let rest = (line ?? '').replace(/\n$/, '').trim();
  names.forEach((name, i) => {
    const cut = i === names.length - 1 ? null : /^(\S*)\s*([^]*)$/.exec(rest);
    shell.set(name, cut ? cut[1]! : rest);
    rest = cut ? cut[2]! : '';
  });
  return line === null ? 1 : 0;
};

const trap: Builtin = async (shell, argv) => {
  const [action, ...names] = argv.slice(argv[1] === '--' ? 2 : 1);
  for (const name of names) {
    const number = signalNumber(name);
    const key = name === '0' || name === 'EXIT' ? 'EXIT' : signalName(number ?? 0);
    if (action === undefined || action === '-') {
      shell.traps.delete(key);
      if (number) shell.process.handlers.delete(number);
    } else {
      shell.traps.set(key, action);
      if (number) shell.process.handlers.set(number, () => void shell.pendingTraps.push(action));
    }
  }
  return 0;
};

const kill: Builtin = async (shell, argv, io) => {
  const args = argv.slice(1);
  let signal = 15;
  if (args[0] === '-l') return say(io, 'HUP INT QUIT KILL TERM\n').then(() => 0);
  if (args[0]?.startsWith('-')) {
    const name = args[0] === '-s' ? (args.splice(0, 1), args.shift()!) : args.shift()!.slice(1);
    signal = signalNumber(name) ?? 15;
  }
  let status = 0;
  for (const pid of args) {
    const target = shell.process.table.processes.get(Number(pid));
    // From inside the namespace not even SIGKILL reaches PID 1.
    if (target && !(target.pid === 1 && signal === 9)) target.kill(signal);
    else if (!target) {
      await complain(shell, io, `can't kill pid ${pid}: No such process`);
      status = 1;
    }
  }
  return status;
};

const lookUp: Builtin = async (shell, argv, io) => {
  const names = argv.slice(1).filter((word) => !word.startsWith('-'));
  if (argv[0] === 'command' && !argv.some((word) => /^-[vV]/.test(word))) return shell.invoke(names, [], io);
  let status = 0;
  for (const name of names) {
    const found = findProgram(shell.tree, name, shell.vars.get('PATH'), shell.cwd);
    const path = found.kind === 'program' || found.kind === 'script' ? found.path : null;
    const known = builtins.has(name) || shell.functions.has(name);
    if (!path && !known) status = 127;
    if (argv[0] === 'type')
      await say(
        io,
        known ? `${name} is a shell builtin\n` : path ? `${name} is ${path}\n` : `${name}: not found\n`,
      );
    else if (path || known) await say(io, `${known ? name : path}\n`);
  }
  return status;
};

const dot: Builtin = async (shell, argv, io) => {
  const text = shell.tree.read(shell.process.path(argv[1] ?? '')).toString();
  return shell.source(text, io);
};

const wait: Builtin = async (shell) => {
  const jobs = shell.jobs.splice(0);
  const statuses = await interruptible(shell, Promise.all(jobs));
  return statuses?.at(-1) ?? 0;
};

/** A trapped signal ends `wait` early. */
async function interruptible<Value>(shell: ShellFace, what: Promise<Value>): Promise<Value | null> {
  let over = false;
  const end = () => (over = true);
  void what.then(end, end);
  while (!over) {
    await shell.process.sleep(50);
    if (shell.pendingTraps.length > 0) return null;
  }
  return what;
}

const exec: Builtin = async (shell, argv, io) => {
  if (argv.length === 1) return 0;
  const env = shell.environment();
  // It takes the shell's place: its signals are the new program's.
  throw new Exit(await shell.process.become(argv.slice(1), { env, io, cwd: shell.cwd }));
};

const exit: Builtin = (shell, argv) => {
  throw new Exit(argv[1] === undefined ? shell.status : Number.parseInt(argv[1], 10) & 255);
};

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', () => done()],
  ['true', () => done()],
  ['false', () => done(1)],
  ['cd', cd],
  ['pwd', (shell, _argv, io) => say(io, `${shell.cwd}\n`).then(() => 0)],
  ['exit', exit],
  ['export', exported],
  ['readonly', exported],
  ['local', local],
  ['set', set],
  ['read', read],
  ['trap', trap],
  ['kill', kill],
  ['wait', wait],
  ['exec', exec],
  ['.', dot],
  ['source', dot],
  ['eval', (shell, argv, io) => shell.source(argv.slice(1).join(' '), io)],
  ['type', lookUp],
  ['command', lookUp],
  ['umask', (_shell, _argv, io) => say(io, '0022\n').then(() => 0)],
  ['ulimit', (_shell, _argv, io) => say(io, 'unlimited\n').then(() => 0)],
  ['unset', async (shell, argv) => argv.slice(1).forEach((name) => shell.vars.delete(name)) ?? 0],
  ['shift', async (shell, argv) => (shell.positional.splice(0, Number(argv[1] ?? 1)), 0)],
  ['test', async (shell, argv) => evaluateTest(shell.process, argv.slice(1))],
  ['[', async (shell, argv) => evaluateTest(shell.process, argv.slice(1, -1))],
  ['[[', async (shell, argv) => evaluateTest(shell.process, argv.slice(1, -1))],
  ['return', (shell, argv) => Promise.reject(new ReturnValue(argv[1] ? Number(argv[1]) : shell.status))],
  ['break', (_shell, argv) => Promise.reject(new BreakLoop(Number(argv[1] ?? 1), false))],
  ['continue', (_shell, argv) => Promise.reject(new BreakLoop(Number(argv[1] ?? 1), true))],
]);
