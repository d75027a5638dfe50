import type { Container } from './containers/container.js';
import type { Exec } from './containers/exec-state.js';
import { badRequest, notFound } from './docker-error.js';
import { FileTree } from './files/file-tree.js';
import { Layer, Quota } from './files/layer.js';
import { ImageStore, type ImageUser } from './images/image-store.js';
import type { ModelRegistry } from './images/registry.js';
import type { CloudRegistry } from './registry/cloud-registry.js';
import { NetworkSet } from './networks/network.js';
import { EventLog } from './system/event-log.js';
import { Pace } from './shell/pace.js';
import type { ProcessTable } from './shell/process.js';
import { VolumeSet } from './volumes/volume.js';
import type { World } from './world.js';

/** A turn is twenty steps. */
const turnMs = 10;

/** All state of one modelled engine; what happens to it is in the rooms beside. */
export class Engine {
  readonly quota = new Quota();
  readonly images = new ImageStore();
  readonly containers = new Map<string, Container>();
  readonly execs = new Map<string, Exec>();
  readonly networks: NetworkSet;
  readonly volumes: VolumeSet;
  readonly events: EventLog;
  /** Directories of the modelled host that are bound into containers, each a tree of its own. */
  /** All loops of this engine together get 2,000 steps a second. */
  readonly pace: Pace;
  readonly buildTables = new Set<ProcessTable>();
  /** Bytes of requests that are being read. */
  uploading = 0;
  readonly hostDirs = new Map<string, FileTree>();
  readonly id: string;
  /** Milliseconds. */
  readonly begunAt: number;
  /** Its instance is off: containers end and are not started again. */
  closed = false;
  /** Told after each change that should outlive the process. */
  onChange: () => void = () => undefined;
  private readonly charged = new Set<Layer>();
  /** Layers of pulls under way. */
  readonly arriving = new Set<Layer>();

  constructor(
    readonly world: World,
    readonly registry: ModelRegistry,
    identity?: string,
    /** The cloud's own, where it has one. */
    readonly cloud: CloudRegistry | null = null,
  ) {
    const now = () => world.clock.now();
    this.id = identity ?? world.id();
    this.begunAt = now();
    this.pace = new Pace(turnMs, world.pace ?? null);
    this.networks = new NetworkSet(() => world.id(), now);
    this.volumes = new VolumeSet(this.quota, now);
    this.events = new EventLog(now);
  }

  now(): number {
    return this.world.clock.now();
  }

  /** By id, name, or the beginning of an id. @throws DockerError 404 */
  container(text: string): Container {
    const name = text.replace(/^\//, '');
    const all = [...this.containers.values()];
    const exact = this.containers.get(text) ?? all.find((container) => container.name === name);
    if (exact) return exact;
    const found = /^[0-9a-f]+$/.test(text) ? all.filter(({ id }) => id.startsWith(text)) : [];
    if (found.length > 1) throw badRequest(`multiple IDs found with provided prefix: ${text}`);
    if (!found[0]) throw notFound(`No such container: ${text}`);
    return found[0];
  }

  imageUsers(): ImageUser[] {
    return [...this.containers.values()].map(({ id, image, running }) => ({
      id,
      imageId: image.id,
      running,
    }));
  }

  /** Processes of all containers and of builds under way. */
  processes(): number {
    const tables = [...this.containers.values()].flatMap(({ run }) => (run ? [run.table] : []));
    return [...tables, ...this.buildTables].reduce(
      (sum, { processes, subshells }) => sum + processes.size + subshells,
      0,
    );
  }

  hostDir(path: string): FileTree {
    let tree = this.hostDirs.get(path);
    if (!tree) {
      tree = new FileTree([], new Layer(this.quota), () => this.now());
      this.hostDirs.set(path, tree);
    }
    return tree;
  }

  /** A layer that counts against the engine's quota until no image and no container uses it. */
  charge(layer: Layer): Layer {
    const own = layer.copy(this.quota);
    this.charged.add(own);
    return own;
  }

  /** A layer that has been charged already. */
  adopt(layer: Layer): Layer {
    this.charged.add(layer);
    return layer;
  }

  releaseLayers(): void {
    const used = new Set<Layer>(this.arriving);
    for (const image of this.images.images.values()) for (const layer of image.layers) used.add(layer);
    for (const { image } of this.containers.values()) for (const layer of image.layers) used.add(layer);
    for (const layer of this.charged) {
      if (used.has(layer)) continue;
      layer.dispose();
      this.charged.delete(layer);
    }
  }
}
