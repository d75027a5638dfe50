import type { FileTree } from '../files/file-tree.js';
import type { Layer } from '../files/layer.js';
import type { Image } from '../images/image.js';
import type { WebServer } from '../shell/machine.js';
import type { Pipe } from '../shell/pipes.js';
import type { ProcessTable } from '../shell/process.js';
import type { Tty } from '../shell/tty.js';
import type { Config, HostConfig, PortBinding } from './config.js';
import { LogBuffer, type StreamId } from './log-buffer.js';

export interface State {
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing';
  exitCode: number;
  oomKilled: boolean;
  error: string;
  /** Milliseconds; null for never. */
  startedAt: number | null;
  finishedAt: number | null;
}

/** A network a container belongs to; addresses only while it runs. */
export interface Attachment {
  readonly networkId: string;
  readonly aliases: readonly string[];
  readonly wantedIp: string | null;
  endpoint: Endpoint | null;
}

export interface Endpoint {
  readonly id: string;
  readonly ip: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
}

export interface MountPoint {
  readonly Type: 'volume' | 'bind' | 'tmpfs';
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}

/** A client that is attached to the output. */
export interface Listener {
  /** Resolves when there is room for more. */
  write(stream: StreamId, data: Buffer): Promise<void>;
  end(): void;
}

/** What exists only while the container's first process runs. */
export interface Run {
  readonly table: ProcessTable;
  readonly tty: Tty | null;
  readonly over: Promise<number>;
  readonly servers: Map<number, WebServer>;
}

export class Container {
  name: string;
  state: State = {
    status: 'created',
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAt: null,
    finishedAt: null,
  };
  restartCount = 0;
  /** Stopped by a client: only `always` brings it back, and only when the engine starts. */
  stoppedByClient = false;
  run: Run | null = null;
  stdin: Pipe | null = null;
  readonly logs = new LogBuffer();
  readonly listeners = new Set<Listener>();
  readonly attachments = new Map<string, Attachment>();
  readonly mounts: MountPoint[] = [];
  ports: Record<string, PortBinding[]> = {};
  readonly execs = new Set<string>();
  /** Told of each exit and of the removal. */
  readonly onExit = new Set<(code: number) => void>();
  readonly onRemoved = new Set<(code: number) => void>();
  cancelRestart: (() => void) | null = null;

  constructor(
    readonly id: string,
    name: string,
    /** Milliseconds. */
    readonly created: number,
    readonly image: Image,
    readonly settings: { readonly config: Config; readonly hostConfig: HostConfig },
    readonly tree: FileTree,
  ) {
    this.name = name;
  }

  get config(): Config {
    return this.settings.config;
  }

  get hostConfig(): HostConfig {
    return this.settings.hostConfig;
  }

  get layer(): Layer {
    return this.tree.upper;
  }

  get running(): boolean {
    return this.state.status === 'running' || this.state.status === 'paused';
  }

  get argv(): string[] {
    return [...(this.config.Entrypoint ?? []), ...(this.config.Cmd ?? [])];
  }

  get shortId(): string {
    return this.id.slice(0, 12);
  }

  /** Output of its processes: to the log, and to all who are attached, at the pace of the slowest. */
  async write(stream: StreamId, data: Buffer, now: number): Promise<void> {
    this.logs.write(stream, data, now);
    if (this.listeners.size > 0)
      await Promise.all([...this.listeners].map((listener) => listener.write(stream, data)));
  }
}
