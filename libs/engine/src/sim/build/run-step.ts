import { limits } from '../limits.js';
import { procFiles } from '../programs/proc.js';
import { programs } from '../programs/programs.js';
import { findProgram } from '../shell/find-program.js';
import type { Machine } from '../shell/machine.js';
import { Bytes, type Output } from '../shell/pipes.js';
import { ProcessTable } from '../shell/process.js';
import type { FileTree } from '../files/file-tree.js';
import { BuildFailure } from './steps.js';
import type { Stage } from './stage.js';

const longestRunMs = 10 * 60_000;

/** Runs the command of a RUN in the stage's tree. @returns its exit code. */
export async function runInTree(
  stage: Stage,
  tree: FileTree,
  argv: readonly string[],
  out: Output,
  gone: AbortSignal,
): Promise<number> {
  const { engine, config } = stage;
  const machine: Machine = {
    clock: engine.world.clock,
    tree,
    hostname: engine.world.id().slice(0, 12),
    size: () => engine.world.size(),
    memoryLimit: () => null,
    cpuLimit: () => null,
    onOom: () => undefined,
    turnWaitMs: () => engine.pace.waitMs(engine.now()),
    mayFork: () => engine.processes() < limits.processesPerEngine,
    listen: () => () => undefined,
    reach: () => null,
    resolve: () => null,
  };
  const table = new ProcessTable(machine, programs);
  engine.buildTables.add(table);
  for (const [path, text] of procFiles(machine, table)) tree.virtual.set(path, text);
  const env = new Map([['HOME', '/root'], ...stage.env]);
  const cwd = madeDirectory(tree, config.WorkingDir || '/');
  const found = findProgram(tree, argv[0]!, env.get('PATH'), cwd);
  if (found.kind !== 'program' && found.kind !== 'script')
    throw new BuildFailure(
      `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "${argv[0]}": ${found.kind === 'not-modelled' ? 'this program is not modelled by the Bellows simulator' : 'executable file not found in $PATH'}: unknown`,
    );
  const late = new AbortController();
  const stop = () => table.killAll();
  gone.addEventListener('abort', stop, { once: true });
  engine.world.clock.sleep(longestRunMs, late.signal).then(stop, () => undefined);
  try {
    const io = { stdin: new Bytes(''), stdout: out, stderr: out, tty: null };
    return await table.run(0, { argv, env, cwd, user: { uid: 0, gid: 0, name: 'root' }, io }, found);
  } finally {
    late.abort();
    engine.buildTables.delete(table);
    gone.removeEventListener('abort', stop);
  }
}

function madeDirectory(tree: FileTree, path: string): string {
  if (!tree.stat(path)) tree.mkdir(path, { parents: true });
  return path;
}
