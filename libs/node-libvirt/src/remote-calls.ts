import { EventEmitter } from 'node:events';
import type { LibvirtConnectionError } from './errors.js';
import type { CallOptions, Method } from './protocol/procedure.js';
import { callTable, type CallName } from './protocol/table.js';
import type { ReturnOf } from './pending-calls.js';

/** One method a row of the table. */
export type RemoteCalls = { [N in CallName]: Method<(typeof callTable)[N]> };

export interface ConnectionEvents {
  /** The transport is gone. A reconnecting connection dials again; another one is closed. */
  disconnected: [error: LibvirtConnectionError];
  /** There is a new transport, and every event callback is registered again. */
  reconnected: [];
  /** For good: nothing follows. */
  closed: [error?: LibvirtConnectionError];
}

abstract class Caller extends EventEmitter<ConnectionEvents> {
  protected abstract call<N extends CallName>(
    name: N,
    args: unknown[],
    options?: CallOptions,
  ): Promise<ReturnOf<N>>;
}

for (const name of Object.keys(callTable) as CallName[]) {
  const arity = callTable[name].args.length;
  Object.defineProperty(Caller.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Caller, ...args: unknown[]) {
      return this['call'](name, args.slice(0, arity), args[arity] as CallOptions | undefined);
    },
  });
}

/** The class whose methods are the rows of the table; how a call travels is left to who extends it. */
export const RemoteCaller = Caller as unknown as abstract new () => Caller & RemoteCalls;
