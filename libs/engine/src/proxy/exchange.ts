import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Pace } from './pace.js';
import type { EngineRequest, HeaderList } from './request.js';

/** Who asked, and where the answer goes: as Node's HTTP server hands it out, for a request or for an upgrade. */
export type Caller =
  | { readonly kind: 'call'; readonly incoming: IncomingMessage; readonly outgoing: ServerResponse }
  | {
      readonly kind: 'upgrade';
      readonly incoming: IncomingMessage;
      readonly socket: Duplex;
      /** What has been read beyond the request's head. */
      readonly head: Buffer;
    };

export interface Exchange {
  /** Cleaned. */
  readonly request: EngineRequest;
  readonly caller: Caller;
  /** Of what comes from the far side; as fast as the caller reads without one. */
  readonly pace?: Pace;
  /** Headers of ours in the answer, made when its head is there; `raw` is as it came. */
  readonly sign?: (status: number, raw: readonly string[]) => HeaderList;
}

export interface Ended {
  /** The answer came through whole; the caller went away; or the far side failed. */
  readonly how: 'done' | 'gone' | 'failed';
  /** Null when no answer was sent. */
  readonly status: number | null;
  readonly why?: string;
}
