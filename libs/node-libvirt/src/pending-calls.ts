import { LibvirtTimeoutError } from './errors.js';
import { readError } from './protocol/error-body.js';
import { MessageStatus, type MessageHeader } from './protocol/message.js';
import type { CallOptions, Procedure } from './protocol/procedure.js';
import { procedureTable, type ProcedureName } from './protocol/table.js';
import type { Codec } from './xdr/codec.js';
import { XdrError, XdrReader } from './xdr/reader.js';

export type ArgsOf<N extends ProcedureName> =
  (typeof procedureTable)[N] extends Procedure<infer F> ? Parameters<F> : never;
export type ReturnOf<N extends ProcedureName> =
  (typeof procedureTable)[N] extends Procedure<infer F> ? ReturnType<F> : never;

export interface CallHooks<R> {
  /** Runs before anything that follows the answer on the wire is looked at. */
  onReturn?: (value: R) => void;
  /** The answer came after the caller had gone. */
  onLateReturn?: (value: R) => void;
  onLateError?: () => void;
}

interface PendingCall {
  name: ProcedureName;
  onReply(body: XdrReader, failed: boolean): void;
  onEnd(error: Error): void;
}

/** setTimeout takes no more; longer limits, and Infinity, become these 24.8 days. */
const MAX_TIMEOUT_MS = 0x7fff_ffff;

/** The calls that wait for their answer. Each ends: by its answer, its time limit, its signal, or the session. */
export class PendingCalls {
  private readonly bySerial = new Map<number, PendingCall>();

  has(serial: number): boolean {
    return this.bySerial.has(serial);
  }

  /** @param timeoutMs a limit is not optional here */
  wait<N extends ProcedureName>(
    serial: number,
    name: N,
    { timeoutMs, signal }: CallOptions & { timeoutMs: number },
    hooks: CallHooks<ReturnOf<N>>,
  ): Promise<ReturnOf<N>> {
    return new Promise((resolve, reject) => {
      let gone = false;
      const settle = (): void => {
        gone = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const giveUp = (reason: Error): void => {
        settle();
        if (!hooks.onLateReturn) this.bySerial.delete(serial);
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal?.reason as Error);
      const onTimeout = (): void => giveUp(new LibvirtTimeoutError(name, timeoutMs));
      const timer = setTimeout(onTimeout, Math.min(timeoutMs, MAX_TIMEOUT_MS));
      signal?.addEventListener('abort', onAbort);
      const onReply = (body: XdrReader, failed: boolean): void => {
        const late = gone;
        const error = failed ? readError(body, name) : undefined;
        if (error) {
          settle();
          return late ? hooks.onLateError?.() : reject(error);
        }
        const value = (procedureTable[name].ret as Codec<ReturnOf<N>>).read(body);
        settle();
        if (late) return hooks.onLateReturn?.(value);
        hooks.onReturn?.(value);
        resolve(value);
      };
      const onEnd = (error: Error): void => {
        settle();
        reject(error);
      };
      this.bySerial.set(serial, { name, onReply, onEnd });
    });
  }

  /** Throws XdrError for an answer that is none; then the call still waits, for the session's end. */
  answer({ serial, program, procedure, status }: MessageHeader, body: Buffer): void {
    const call = this.bySerial.get(serial);
    // Nobody waits for it any more: the call timed out, or was given up.
    if (!call) return;
    const asked = procedureTable[call.name];
    if (program !== asked.program || procedure !== asked.number) {
      throw new XdrError(`${call.name} was answered as procedure ${procedure}`);
    }
    if (status !== MessageStatus.OK && status !== MessageStatus.ERROR) {
      throw new XdrError(`a reply of status ${status}`);
    }
    call.onReply(new XdrReader(body), status === MessageStatus.ERROR);
    this.bySerial.delete(serial);
  }

  end(reason: (procedure: string) => Error): void {
    for (const { name, onEnd } of this.bySerial.values()) onEnd(reason(name));
    this.bySerial.clear();
  }
}
