import { badRequest, DockerError } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { procFiles } from '../programs/proc.js';
import { programs } from '../programs/programs.js';
import { findProgram, type Found } from '../shell/find-program.js';
import type { WebServer } from '../shell/machine.js';
import { Pipe, Bytes, type Io, type Output } from '../shell/pipes.js';
import { ProcessTable, type ProcessStart } from '../shell/process.js';
import { Tty } from '../shell/tty.js';
import type { Container, Run } from './container.js';
import { containerEvent } from './container-events.js';
import { machineOf } from './container-machine.js';
import { networksDown, networksUp } from './container-networks.js';
import { exited } from './exit.js';
import { removeContainer } from './remove.js';

/** `POST /containers/{id}/start`. @returns false when it runs already. */
export function startContainer(engine: Engine, container: Container): boolean {
  if (container.state.status === 'paused')
    throw badRequest('cannot start a paused container, try unpause instead');
  if (container.run) return false;
  if (container.state.status === 'removing')
    throw badRequest('container is marked for removal and cannot be started');
  container.cancelRestart?.();
  container.stoppedByClient = false;
  launch(engine, container);
  return true;
}

/** Starts the first process; a failure is kept in the state, as dockerd keeps it. */
export function launch(engine: Engine, container: Container): void {
  const { state } = container;
  try {
    const found = programOf(container);
    const user = userOf(container, container.config.User);
    networksUp(engine, container);
    Object.assign(state, {
      status: 'running',
      exitCode: 0,
      oomKilled: false,
      error: '',
      startedAt: engine.now(),
    });
    container.run = runOf(engine, container, found, user);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    networksDown(engine, container);
    state.error = error.message;
    state.exitCode = error.message.includes('executable file not found')
      ? 127
      : error.message.includes('denied')
        ? 126
        : 128;
    if (container.state.status === 'restarting') container.state.status = 'exited';
    for (const listener of [...container.listeners]) listener.end();
    if (container.hostConfig.AutoRemove) removeContainer(engine, container, { force: true, volumes: true });
    throw error;
  }
  containerEvent(engine, container, 'start');
}

function programOf(container: Container): Found {
  const [name = ''] = container.argv;
  const path = container.config.Env.find((line) => line.startsWith('PATH='))?.slice(5);
  const found = findProgram(container.tree, name, path, container.config.WorkingDir || '/');
  if (found.kind === 'program' || found.kind === 'script') return found;
  throw badRequest(
    `failed to create task for container: failed to create shim task: OCI runtime create failed: ${startFailure(name, found)}: unknown`,
  );
}

/** As runc words it. */
export function startFailure(name: string, found: Found): string {
  const prefix = 'runc create failed: unable to start container process: exec:';
  if (found.kind === 'denied') return `${prefix} "${name}": permission denied`;
  if (found.kind === 'not-modelled')
    return `${prefix} "${name}": this program is not modelled by the Bellows simulator`;
  const why = name.includes('/')
    ? `stat ${name}: no such file or directory`
    : 'executable file not found in $PATH';
  return `${prefix} "${name}": ${why}`;
}

export function userOf(container: Container, asked: string): ProcessStart['user'] {
  const [user = '', group] = asked.split(':');
  if (user === '') return { uid: 0, gid: 0, name: 'root' };
  const passwd = container.tree.stat('/etc/passwd') ? container.tree.read('/etc/passwd').toString() : '';
  const line = passwd
    .split('\n')
    .map((text) => text.split(':'))
    .find(([name, , uid]) => name === user || uid === user);
  if (!line && !/^\d+$/.test(user))
    throw badRequest(`unable to find user ${user}: no matching entries in passwd file`);
  const uid = Number(line?.[2] ?? user);
  return { uid, gid: Number(group ?? line?.[3] ?? 0) || 0, name: line?.[0] ?? user };
}

export function environmentOf(
  container: Container,
  tty: boolean,
  more: readonly string[] = [],
  uid = 0,
): Map<string, string> {
  const defaults: [string, string][] = [
    ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    ['HOSTNAME', container.config.Hostname],
    ...(tty ? ([['TERM', 'xterm']] as [string, string][]) : []),
    ['HOME', uid === 0 ? '/root' : '/'],
  ];
  const given = [...container.config.Env, ...more].map((line): [string, string] => {
    const at = line.indexOf('=');
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
  });
  return new Map([...defaults, ...given]);
}

function runOf(engine: Engine, container: Container, found: Found, user: ProcessStart['user']): Run {
  const { config, tree } = container;
  const servers = new Map<number, WebServer>();
  const machine = machineOf(engine, container, servers);
  const table = new ProcessTable(machine, programs);
  for (const [path, text] of procFiles(machine, table)) tree.virtual.set(path, text);
  const cwd = config.WorkingDir || '/';
  if (!tree.stat(cwd)) tree.mkdir(cwd, { parents: true });
  const out = (stream: 1 | 2): Output => ({ write: (data) => container.write(stream, data, engine.now()) });
  const tty = config.Tty ? new Tty(out(1)) : null;
  // A client may have attached, and written, before the start.
  container.stdin ??= new Pipe();
  const stdin = config.OpenStdin ? (tty?.input ?? container.stdin) : new Bytes('');
  const io: Io = { stdin, stdout: tty ?? out(1), stderr: tty ?? out(2), tty: config.OpenStdin ? tty : null };
  const start: ProcessStart = {
    argv: container.argv,
    env: environmentOf(container, config.Tty, [], user.uid),
    cwd,
    user,
    io,
  };
  if (tty) {
    tty.onInterrupt = () => interrupt(table, 1);
    void feed(container.stdin, tty).catch(() => undefined);
  }
  const over = Promise.resolve().then(() => table.run(0, start, found));
  over
    .then((code) => exited(engine, container, code, launch))
    .catch((error: unknown) => void (container.state.error = `the simulator failed: ${String(error)}`));
  return { table, tty, over, servers };
}

/** ^C goes to the process the terminal was opened for, if it has a handler or is not deaf. */
export function interrupt(table: ProcessTable, pid: number): boolean {
  const process = table.processes.get(pid);
  if (!process) return false;
  const prompts = process.handlers.has(2);
  const busy = [...table.processes.values()].some(({ ppid }) => ppid === pid);
  process.kill(2);
  return !prompts || busy;
}

/** What clients type, through the line discipline. */
async function feed(from: Pipe, tty: Tty): Promise<void> {
  for (let data = await from.read(); data !== null; data = await from.read()) await tty.type(data);
  tty.hangUp();
}
