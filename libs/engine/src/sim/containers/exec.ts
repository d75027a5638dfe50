import { badRequest, conflict, DockerError, notFound } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { limits } from '../limits.js';
import { findProgram } from '../shell/find-program.js';
import { Bytes, nowhere, type Input, type Io, type Output } from '../shell/pipes.js';
import { Tty } from '../shell/tty.js';
import { flag, text, texts, type Json } from './config.js';
import type { Container } from './container.js';
import { containerEvent } from './container-events.js';
import type { Exec } from './exec-state.js';
import { environmentOf, interrupt, startFailure, userOf } from './start.js';

/** `POST /containers/{id}/exec`. @throws DockerError */
export function createExec(engine: Engine, container: Container, body: Json): Exec {
  refuseStopped(container);
  const argv = texts(body, 'Cmd') ?? [];
  if (argv.length === 0) throw badRequest('No exec command specified');
  const exec: Exec = {
    id: engine.world.id(),
    containerId: container.id,
    argv,
    env: texts(body, 'Env') ?? [],
    tty: flag(body, 'Tty'),
    user: text(body, 'User'),
    workingDir: text(body, 'WorkingDir'),
    attach: {
      stdin: flag(body, 'AttachStdin'),
      stdout: flag(body, 'AttachStdout'),
      stderr: flag(body, 'AttachStderr'),
    },
    privileged: flag(body, 'Privileged'),
    detachKeys: text(body, 'DetachKeys'),
    started: false,
    running: false,
    exitCode: null,
    pid: 0,
    terminal: null,
    process: null,
  };
  forgetOldest(engine);
  engine.execs.set(exec.id, exec);
  container.execs.add(exec.id);
  containerEvent(engine, container, `exec_create: ${argv.join(' ')}`, { execID: exec.id });
  return exec;
}

function forgetOldest(engine: Engine): void {
  if (engine.execs.size < limits.execsKept) return;
  const [id, exec] = [...engine.execs].find(([, { running }]) => !running) ?? [];
  if (!id || !exec) throw badRequest('the simulator keeps no more exec instances');
  engine.execs.delete(id);
  engine.containers.get(exec.containerId)?.execs.delete(id);
}

function refuseStopped(container: Container): void {
  if (container.state.status === 'paused')
    throw conflict(`container ${container.id} is paused, unpause the container before exec`);
  if (!container.run) throw conflict(`container ${container.id} is not running`);
}

export function findExec(engine: Engine, id: string): Exec {
  const exec = engine.execs.get(id);
  if (!exec) throw notFound(`No such exec instance: ${id}`);
  return exec;
}

/** Checks that it can start, before anything is answered. @throws DockerError */
export function readyToStart(engine: Engine, exec: Exec): Container {
  const container = engine.container(exec.containerId);
  if (exec.started) throw conflict(`exec ${exec.id} has already been started or exited`);
  refuseStopped(container);
  return container;
}

export interface ExecStreams {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

export const detached: ExecStreams = { stdin: new Bytes(''), stdout: nowhere, stderr: nowhere };

/** Runs it to its end. @throws DockerError for what cannot be run, worded as runc's */
export async function runExec(engine: Engine, exec: Exec, streams: ExecStreams): Promise<void> {
  const container = readyToStart(engine, exec);
  const { table } = container.run!;
  exec.started = true;
  try {
    const user = userOf(container, exec.user || container.config.User);
    const cwd = exec.workingDir || container.config.WorkingDir || '/';
    const env = environmentOf(container, exec.tty, exec.env, user.uid);
    const found = findProgram(container.tree, exec.argv[0]!, env.get('PATH'), cwd);
    if (found.kind !== 'program' && found.kind !== 'script') {
      exec.exitCode = found.kind === 'missing' ? 127 : 126;
      const why = startFailure(exec.argv[0]!, found).replace('runc create failed', 'exec failed');
      throw badRequest(`OCI runtime exec failed: ${why}: unknown`);
    }
    const io = exec.tty
      ? terminalIo(exec, streams, () => (exec.pid ? interrupt(table, exec.pid) : false))
      : { ...streams, tty: null };
    exec.running = true;
    containerEvent(engine, container, `exec_start: ${exec.argv.join(' ')}`, { execID: exec.id });
    const running = table.run(0, { argv: exec.argv, env, cwd, user, io }, found);
    exec.pid = [...table.processes.keys()].at(-1) ?? 0;
    exec.process = table.processes.get(exec.pid) ?? null;
    exec.exitCode = await running;
  } catch (error) {
    if (error instanceof DockerError) exec.exitCode ??= 126;
    throw error;
  } finally {
    exec.running = false;
    exec.process = null;
    containerEvent(engine, container, 'exec_die', { execID: exec.id, exitCode: String(exec.exitCode) });
  }
}

function terminalIo(exec: Exec, streams: ExecStreams, onInterrupt: () => boolean): Io {
  const tty = new Tty(streams.stdout);
  tty.onInterrupt = onInterrupt;
  if (exec.terminal) Object.assign(tty, { columns: exec.terminal.columns, rows: exec.terminal.rows });
  exec.terminal = tty;
  const type = async () => {
    for (let data = await streams.stdin.read(); data !== null; data = await streams.stdin.read())
      await tty.type(data);
    tty.hangUp();
  };
  void type().catch(() => undefined);
  return { stdin: tty.input, stdout: tty, stderr: tty, tty };
}

/** `GET /exec/{id}/json` */
export function execInspect(exec: Exec): object {
  return {
    ID: exec.id,
    Running: exec.running,
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: exec.tty,
      entrypoint: exec.argv[0],
      arguments: exec.argv.slice(1),
      privileged: exec.privileged,
      ...(exec.user ? { user: exec.user } : {}),
    },
    OpenStdin: exec.attach.stdin,
    OpenStderr: exec.attach.stderr,
    OpenStdout: exec.attach.stdout,
    CanRemove: false,
    ContainerID: exec.containerId,
    DetachKeys: exec.detachKeys || '',
    Pid: exec.pid ? 1000 + exec.pid : 0,
  };
}
