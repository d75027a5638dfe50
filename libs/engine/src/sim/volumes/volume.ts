import { badRequest, conflict, failure, notFound } from '../docker-error.js';
import { FileTree } from '../files/file-tree.js';
import { Layer, type Quota } from '../files/layer.js';
import { limits } from '../limits.js';

export interface Volume {
  readonly name: string;
  /** Milliseconds. */
  readonly created: number;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
  readonly anonymous: boolean;
  readonly tree: FileTree;
}

const root = '/var/lib/docker/volumes';

/** The volumes of one engine. */
export class VolumeSet {
  readonly volumes = new Map<string, Volume>();

  constructor(
    private readonly quota: Quota,
    private readonly now: () => number,
  ) {}

  find(name: string): Volume {
    const volume = this.volumes.get(name);
    if (!volume) throw notFound(`get ${name}: no such volume`);
    return volume;
  }

  /** The volume of that name, made if there is none. @throws DockerError 400 */
  ensure(name: string, parts: Partial<Pick<Volume, 'labels' | 'options' | 'anonymous'>> = {}): Volume {
    const known = this.volumes.get(name);
    if (known) return known;
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
      throw badRequest(
        `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    if (this.volumes.size >= limits.volumes)
      throw failure('no space left on device: the simulator keeps no more volumes');
    const tree = new FileTree([], new Layer(this.quota), this.now);
    const volume: Volume = {
      name,
      created: this.now(),
      labels: null,
      options: null,
      anonymous: false,
      ...parts,
      tree,
    };
    this.volumes.set(name, volume);
    return volume;
  }

  remove(name: string, users: readonly string[], force: boolean): void {
    if (force && !this.volumes.has(name)) return;
    const volume = this.find(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
    volume.tree.upper.dispose();
    this.volumes.delete(name);
  }
}

export const mountpointOf = (name: string): string => `${root}/${name}/_data`;

export function volumeJson(volume: Volume, usage?: { users: number }): object {
  return {
    CreatedAt: new Date(volume.created).toISOString().replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: volume.labels,
    Mountpoint: mountpointOf(volume.name),
    Name: volume.name,
    Options: volume.options,
    Scope: 'local',
    ...(usage ? { UsageData: { RefCount: usage.users, Size: volume.tree.upper.bytes } } : {}),
  };
}
