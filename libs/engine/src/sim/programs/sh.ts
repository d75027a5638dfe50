import { SyntaxFailure } from '../shell/ast.js';
import type { Process } from '../shell/process.js';
import { Exit, Killed } from '../shell/process.js';
import { Interrupted } from '../shell/control.js';
import { Shell } from '../shell/shell.js';
import { parseScript } from '../shell/parse.js';

/** `sh`, `ash`, `bash`: `-c`, a script file, a prompt on a terminal, or commands from standard input. */
export async function sh(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  const flags: string[] = [];
  while (/^-\w/.test(args[0] ?? '')) flags.push(...args.shift()!.slice(1));
  const command = flags.includes('c') ? (args.shift() ?? '') : null;
  const file = command === null ? args.shift() : undefined;
  const name = command !== null ? (args.shift() ?? process.argv[0]!) : (file ?? process.argv[0]!);
  const shell = Shell.of(process, name, args);
  for (const flag of flags) if ('eux'.includes(flag)) shell.options.add(flag);
  if (command !== null) return finish(shell, () => shell.source(command));
  if (file !== undefined) {
    const node = process.machine.tree.stat(process.path(file));
    if (node?.kind !== 'file') {
      await process.err(`${shell.shellName}: can't open '${file}': No such file or directory\n`);
      return 2;
    }
    return finish(shell, () => shell.source(node.data.toString()));
  }
  return finish(shell, () => (process.io.tty ? prompted(shell) : fromInput(shell)));
}

async function finish(shell: Shell, run: () => Promise<number>): Promise<number> {
  const { io } = shell.process;
  let status: number;
  try {
    status = await run();
    await shell.runTraps(io);
  } catch (error) {
    status = error instanceof Interrupted ? 130 : await shell.outcome(error, io);
  }
  const atExit = shell.traps.get('EXIT');
  if (atExit === undefined) return status;
  shell.traps.delete('EXIT');
  await shell.source(atExit).catch(() => undefined);
  return status;
}

/** Runs each command as soon as its lines are there: the input may stay open. */
async function fromInput(shell: Shell): Promise<number> {
  let pending = '';
  for (;;) {
    const line = await shell.process.wait(shell.process.io.stdin.readLine());
    if (line === null) return pending === '' ? shell.status : shell.source(pending);
    pending += line;
    if (isUnfinished(pending)) continue;
    const script = pending;
    pending = '';
    await shell.source(script);
  }
}

async function prompted(shell: Shell): Promise<number> {
  const { process } = shell;
  process.handlers.set(2, () => {
    shell.interrupted = true;
    for (const child of process.table.processes.values()) if (child.ppid === process.pid) child.kill(2);
  });
  let pending = '';
  for (;;) {
    await process.err(pending === '' ? promptOf(shell) : '> ');
    const line = await process.wait(process.io.stdin.readLine());
    if (line === null) {
      await process.err('exit\n');
      return shell.status;
    }
    pending += line;
    if (isUnfinished(pending)) continue;
    const script = pending;
    pending = '';
    shell.interrupted = false;
    await oneCommand(shell, script);
  }
}

async function oneCommand(shell: Shell, script: string): Promise<void> {
  try {
    await shell.source(script);
  } catch (error) {
    if (error instanceof Exit || error instanceof Killed) throw error;
    shell.status = error instanceof Interrupted ? 130 : await shell.outcome(error, shell.process.io);
  }
}

function promptOf(shell: Shell): string {
  const { machine, start } = shell.process;
  const sign = start.user.uid === 0 ? '#' : '$';
  const home = shell.vars.get('HOME');
  const where = home && home !== '/' && shell.cwd === home ? '~' : shell.cwd;
  const own = shell.vars.get('PS1');
  if (own)
    return own
      .replace(/\\w/g, where)
      .replace(/\\h/g, machine.hostname)
      .replace(/\\u/g, start.user.name)
      .replace(/\\\$/g, sign);
  if (shell.shellName === 'bash') return `${start.user.name}@${machine.hostname}:${where}${sign} `;
  return machine.tree.stat('/etc/debian_version') ? `${sign} ` : `${where} ${sign} `;
}

function isUnfinished(text: string): boolean {
  try {
    parseScript(text);
    return false;
  } catch (error) {
    return error instanceof SyntaxFailure && error.unfinished && text.length < 64 * 1024;
  }
}
