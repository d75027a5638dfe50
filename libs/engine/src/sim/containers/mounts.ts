import { badRequest, failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { FileTree } from '../files/file-tree.js';
import { Layer } from '../files/layer.js';
import { join, normalPath } from '../files/node.js';
import { mountpointOf } from '../volumes/volume.js';
import type { Container, MountPoint } from './container.js';

/** Makes the mounts a container asks for: binds, `--mount`, tmpfs, others' volumes, and the image's anonymous ones. */
export function addMounts(engine: Engine, container: Container): void {
  const { hostConfig, config } = container;
  for (const bind of hostConfig.Binds ?? []) {
    const [source = '', destination = '', mode = ''] = bind.split(':');
    if (source === '' || !destination.startsWith('/'))
      throw failure(`invalid volume specification: '${bind}'`);
    if (source.startsWith('/')) addBind(engine, container, source, destination, mode);
    else addVolume(engine, container, source, destination, mode, false);
  }
  for (const mount of hostConfig.Mounts ?? []) {
    const mode = mount.ReadOnly ? 'ro' : '';
    if (!mount.Target.startsWith('/'))
      throw badRequest('invalid mount config for type "bind": field Target must not be empty');
    if (mount.Type === 'tmpfs') addTmpfs(engine, container, mount.Target);
    else if (mount.Type === 'volume') {
      const name = mount.Source || engine.world.id();
      addVolume(engine, container, name, mount.Target, mode, !mount.Source);
    } else if (mount.Type !== 'bind') throw badRequest(`mount type unknown: "${mount.Type}"`);
    else if (engine.hostDirs.has(mount.Source ?? ''))
      addBind(engine, container, mount.Source!, mount.Target, mode);
    else
      throw badRequest(
        `invalid mount config for type "bind": bind source path does not exist: ${mount.Source}`,
      );
  }
  for (const target of Object.keys(hostConfig.Tmpfs ?? {})) addTmpfs(engine, container, target);
  for (const from of hostConfig.VolumesFrom ?? []) {
    const [name = '', mode = ''] = from.split(':');
    for (const mount of engine.container(name).mounts) remount(engine, container, { ...mount, Mode: mode });
  }
  for (const target of Object.keys(config.Volumes ?? {}))
    if (!container.mounts.some(({ Destination }) => Destination === target))
      addVolume(engine, container, engine.world.id(), target, '', true);
}

/** Mounts again what is known already, as after a restart of the process. */
export function remount(engine: Engine, container: Container, mount: MountPoint): void {
  const { Destination, Source, Name, Mode, RW } = mount;
  if (container.mounts.some((other) => other.Destination === Destination)) return;
  if (mount.Type === 'tmpfs') addTmpfs(engine, container, Destination);
  else if (mount.Type === 'bind') addBind(engine, container, Source, Destination, RW ? Mode : 'ro');
  else addVolume(engine, container, Name!, Destination, RW ? Mode : 'ro', false);
}

function addVolume(
  engine: Engine,
  container: Container,
  name: string,
  destination: string,
  mode: string,
  anonymous: boolean,
): void {
  const isNew = !engine.volumes.volumes.has(name);
  const labels = anonymous ? { 'com.docker.volume.anonymous': '' } : null;
  const { tree } = engine.volumes.ensure(name, { anonymous, labels });
  if (isNew) engine.events.add('volume', 'create', name, { driver: 'local' });
  const target = normalPath(destination);
  if (tree.list('/').length === 0 && container.tree.isDir(target)) copyInto(tree, container.tree, target);
  const shown = { Type: 'volume', Name: name, Source: mountpointOf(name), Driver: 'local' } as const;
  mountAt(container, tree, target, mode, { ...shown, Propagation: '' });
}

function addBind(
  engine: Engine,
  container: Container,
  source: string,
  destination: string,
  mode: string,
): void {
  const path = normalPath(source);
  const shown = { Type: 'bind', Source: path, Propagation: 'rprivate' } as const;
  mountAt(container, engine.hostDir(path), normalPath(destination), mode, shown);
}

function addTmpfs(engine: Engine, container: Container, destination: string): void {
  const tree = new FileTree([], new Layer(engine.quota), () => engine.now());
  mountAt(container, tree, normalPath(destination), '', { Type: 'tmpfs', Source: '', Propagation: '' });
}

function mountAt(
  container: Container,
  tree: FileTree,
  target: string,
  mode: string,
  shown: Pick<MountPoint, 'Type' | 'Source' | 'Propagation'> & Partial<MountPoint>,
): void {
  if (target === '/') throw badRequest("invalid volume specification: invalid mount target: '/'");
  const readOnly = mode.split(',').includes('ro');
  container.mounts.push({
    ...shown,
    Destination: target,
    Mode: mode || (shown.Type === 'volume' ? 'z' : ''),
    RW: !readOnly,
  });
  // The mount point shows in the directory above it, as the engine makes it there.
  if (!container.tree.stat(target) && !container.tree.readOnly)
    container.tree.mkdir(target, { parents: true });
  container.tree.mounts.set(target, { tree, readOnly });
}

/** An empty volume starts with what the image has at its place. */
function copyInto(volume: FileTree, from: FileTree, path: string): void {
  for (const [at, node] of from.walk(path)) {
    const rest = at.slice(from.resolve(path, false).length);
    if (rest !== '') volume.place(join('/', rest.slice(1)), node);
  }
}
