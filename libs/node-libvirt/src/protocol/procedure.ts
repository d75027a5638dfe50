import type { Codec } from '../xdr/codec.js';
import { Program } from './message.js';

/** What every call may be given on top of its arguments. */
export interface CallOptions {
  /** How long to wait for the answer; the connection's default otherwise. The call may still take effect later. */
  timeoutMs?: number;
  /** Gives up the wait; the promise rejects with the signal's reason. The call may still take effect. */
  signal?: AbortSignal;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function's parameters
export type Signature = (...args: any[]) => unknown;

/** One row of the table: its number, and how its arguments and its answer are written. */
export interface Procedure<F extends Signature = Signature> {
  readonly program: number;
  readonly number: number;
  readonly args: readonly Codec<never>[];
  readonly ret: Codec<ReturnType<F>>;
}

/** One codec an argument, in order. */
type ArgCodecs<A extends unknown[]> = { [I in keyof A]-?: Codec<A[I]> };

/** A procedure of the main program; the signature is what the compiler holds the codecs against. */
export const proc = <F extends Signature>(
  number: number,
  args: ArgCodecs<Parameters<F>>,
  ret: Codec<ReturnType<F>>,
): Procedure<F> => ({
  program: Program.REMOTE,
  number,
  args: args as unknown as readonly Codec<never>[],
  ret,
});

/** A procedure that only the QEMU driver has. */
export const qemuProc = <F extends Signature>(
  number: number,
  args: ArgCodecs<Parameters<F>>,
  ret: Codec<ReturnType<F>>,
): Procedure<F> => ({ ...proc<F>(number, args, ret), program: Program.QEMU });

/** The method that a row becomes: its arguments, then the options; a promise of its answer. */
export type Method<P> =
  P extends Procedure<infer F>
    ? (...args: [...Parameters<F>, options?: CallOptions]) => Promise<ReturnType<F>>
    : never;
