import type { Clock } from '@bellows/operations/ports/clock';
import type { FileTree } from '../files/file-tree.js';
import type { EngineSize } from '../world.js';

/** A modelled server answers a request for a path. */
export type WebServer = (path: string) => { readonly status: number; readonly body: string };

/** What a modelled process sees of the container it runs in. */
export interface Machine {
  readonly clock: Clock;
  readonly tree: FileTree;
  readonly hostname: string;
  /** Of the whole instance. */
  size(): EngineSize;
  /** Bytes; null without a limit. */
  memoryLimit(): number | null;
  /** Cores; null without a limit. */
  cpuLimit(): number | null;
  onOom(): void;
  /** How long to wait for the next turn of a program that loops, beside its own pace; milliseconds. */
  turnWaitMs(): number;
  /** Whether there is room for one more process. */
  mayFork(): boolean;
  /** Offers a server to this container's networks; the function takes it away. */
  listen(port: number, server: WebServer): () => void;
  /** The server behind `host:port`, if this container can reach one. */
  reach(host: string, port: number): WebServer | null;
  /** `a.b.c.d` by the name of a container in one of its networks; null for what is not known. */
  resolve(host: string): string | null;
}
