import type { Duplex } from 'node:stream';
import { LibvirtConnectionError, LibvirtProtocolError, LibvirtTimeoutError } from './errors.js';
import { eventTable, type EventMessage } from './events.js';
import { KeepAlive, type KeepAliveOptions } from './keepalive.js';
import { readError } from './protocol/error-body.js';
import { FrameCutter } from './protocol/framing.js';
import {
  encodeMessage,
  encodeRawMessage,
  MessageStatus,
  MessageType,
  parseMessage,
  Program,
} from './protocol/message.js';
import { PROGRAM_VERSION, type Message } from './protocol/message.js';
import type { CallOptions, Procedure } from './protocol/procedure.js';
import { procedureTable, streamTable, type ProcedureName, type StreamName } from './protocol/table.js';
import { LibvirtStream } from './stream.js';
import type { Codec } from './xdr/codec.js';
import { XdrError, XdrReader } from './xdr/reader.js';

type ArgsOf<N extends ProcedureName> =
  (typeof procedureTable)[N] extends Procedure<infer F> ? Parameters<F> : never;
export type ReturnOf<N extends ProcedureName> =
  (typeof procedureTable)[N] extends Procedure<infer F> ? ReturnType<F> : never;

export interface SessionSettings {
  timeoutMs: number;
  streamBufferBytes: number;
  onEvent(message: EventMessage): void;
  /** Once, with what ended it; undefined when it was {@link Session.close}. */
  onEnd(error: LibvirtConnectionError | undefined): void;
}

export interface CallHooks<R> {
  /** Runs before anything that follows the answer on the wire is looked at. */
  onReturn?: (value: R) => void;
  /** The answer came after the caller had gone. */
  onLateReturn?: (value: R) => void;
}

interface PendingCall {
  name: ProcedureName;
  /** Answers what to do with the value, or undefined when the caller is gone and nobody minds. */
  onReply(body: XdrReader, failed: boolean): void;
  onEnd(error: LibvirtConnectionError): void;
}

const KEEPALIVE_PING = 1;
const KEEPALIVE_PONG = 2;
/** What may wait for a stalled socket before calls are refused. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** One transport and what is under way on it: calls and streams by serial, events, keepalive. Ends once. */
export class Session {
  private readonly frames = new FrameCutter();
  private readonly calls = new Map<number, PendingCall>();
  private readonly streams = new Map<number, LibvirtStream>();
  private readonly awaitingDrain: ((error?: Error | null) => void)[] = [];
  private keepAlive: KeepAlive | undefined;
  private lastSerial = 0;
  private ended = false;

  constructor(
    private readonly socket: Duplex,
    private readonly settings: SessionSettings,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (cause) =>
      this.end(new LibvirtConnectionError(`connection lost: ${cause.message}`, false, { cause })),
    );
    socket.on('close', () => this.end(new LibvirtConnectionError('the server closed the connection')));
    socket.on('end', () => this.end(new LibvirtConnectionError('the server closed the connection')));
    socket.on('drain', () => this.awaitingDrain.splice(0).forEach((accepted) => accepted()));
    socket.resume();
  }

  get isOpen(): boolean {
    return !this.ended;
  }

  startKeepAlive({ intervalMs = 5_000, count = 5 }: KeepAliveOptions): void {
    const dead = (): void =>
      this.end(new LibvirtConnectionError(`no sign of life in ${intervalMs * (count + 1)} ms`));
    this.keepAlive = new KeepAlive(intervalMs, count, () => this.sendKeepAlive(KEEPALIVE_PING), dead);
    this.keepAlive.start();
  }

  call<N extends ProcedureName>(
    name: N,
    args: ArgsOf<N>,
    options: CallOptions = {},
    hooks: CallHooks<ReturnOf<N>> = {},
  ): Promise<ReturnOf<N>> {
    return this.callAs(this.takeSerial(), name, args, options, hooks);
  }

  async openStream<N extends StreamName>(
    name: N,
    args: ArgsOf<N>,
    options: CallOptions = {},
  ): Promise<LibvirtStream> {
    const serial = this.takeSerial();
    const { program, number, direction } = streamTable[name];
    const header = { program, version: PROGRAM_VERSION, procedure: number, type: MessageType.STREAM, serial };
    const stream = new LibvirtStream(
      {
        send: (status, data, accepted) => this.send(encodeRawMessage({ ...header, status }, data), accepted),
        forget: () => this.streams.delete(serial),
      },
      {
        procedure: name,
        direction,
        bufferBytes: this.settings.streamBufferBytes,
        finishTimeoutMs: options.timeoutMs ?? this.settings.timeoutMs,
      },
    );
    // Data may overtake the answer to the call that opens the stream.
    this.streams.set(serial, stream);
    let answered = false;
    const hooks = { onReturn: () => (answered = true), onLateReturn: () => stream.abortLate() };
    try {
      await this.callAs(serial, name, args, options, hooks as CallHooks<ReturnOf<N>>);
      return stream;
    } catch (error) {
      if (!answered) stream.abandon();
      if (!this.calls.has(serial)) this.streams.delete(serial);
      throw error;
    }
  }

  /** Ends it without a reason; what is under way rejects. */
  close(): void {
    this.end(undefined);
  }

  private callAs<N extends ProcedureName>(
    serial: number,
    name: N,
    args: ArgsOf<N>,
    options: CallOptions,
    hooks: CallHooks<ReturnOf<N>>,
  ): Promise<ReturnOf<N>> {
    const { timeoutMs = this.settings.timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.ended) return reject(new LibvirtConnectionError(`${name}: not connected`));
      if (this.socket.writableLength > MAX_QUEUED_BYTES) {
        return reject(new LibvirtConnectionError(`${name}: too many bytes wait for the server already`));
      }
      this.send(this.encodeCall(serial, name, args));
      let gone = false;
      const settle = (): void => {
        gone = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const giveUp = (reason: Error): void => {
        settle();
        if (!hooks.onLateReturn) this.calls.delete(serial);
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal?.reason as Error);
      const timer = setTimeout(() => giveUp(new LibvirtTimeoutError(name, timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', onAbort);
      this.calls.set(serial, {
        name,
        onReply: (body, failed) => {
          const wasGone = gone;
          settle();
          if (failed) return reject(readError(body, name));
          const value = (procedureTable[name].ret as Codec<ReturnOf<N>>).read(body);
          if (wasGone) return hooks.onLateReturn?.(value);
          hooks.onReturn?.(value);
          resolve(value);
        },
        onEnd: (error) => {
          settle();
          reject(error);
        },
      });
    });
  }

  private encodeCall(serial: number, name: ProcedureName, args: readonly unknown[]): Buffer {
    const { program, number, args: codecs } = procedureTable[name] as Procedure;
    const { OK } = MessageStatus;
    const header = {
      program,
      version: PROGRAM_VERSION,
      procedure: number,
      type: MessageType.CALL,
      serial,
      status: OK,
    };
    return encodeMessage(header, (writer) =>
      codecs.forEach((codec, i) => codec.write(writer, args[i] as never)),
    );
  }

  private send(frame: Buffer, accepted?: (error?: Error | null) => void): void {
    if (this.ended) return accepted?.(new LibvirtConnectionError('not connected'));
    const more = this.socket.write(frame);
    if (!accepted) return;
    if (more) accepted();
    else this.awaitingDrain.push(accepted);
  }

  private sendKeepAlive(procedure: number): void {
    const { KEEPALIVE: program } = Program;
    const { OK: status } = MessageStatus;
    const header = {
      program,
      version: PROGRAM_VERSION,
      procedure,
      type: MessageType.MESSAGE,
      serial: 0,
      status,
    };
    this.send(encodeRawMessage(header, Buffer.alloc(0)));
  }

  private takeSerial(): number {
    do {
      this.lastSerial = this.lastSerial >= 0xffff_ffff ? 1 : this.lastSerial + 1;
    } while (this.calls.has(this.lastSerial) || this.streams.has(this.lastSerial));
    return this.lastSerial;
  }

  private receive(chunk: Buffer): void {
    this.keepAlive?.heardFromPeer();
    try {
      for (const frame of this.frames.cut(chunk)) {
        if (this.ended) return;
        this.dispatch(parseMessage(frame));
      }
    } catch (cause) {
      if (!(cause instanceof XdrError)) throw cause;
      this.end(new LibvirtProtocolError(`protocol error: ${cause.message}`, false, { cause }));
    }
  }

  private dispatch({ header, body }: Message): void {
    if (header.version !== PROGRAM_VERSION) throw new XdrError(`program version ${header.version}`);
    if (header.program === Program.KEEPALIVE) {
      if (header.procedure === KEEPALIVE_PING) this.sendKeepAlive(KEEPALIVE_PONG);
      return;
    }
    if (header.program !== Program.REMOTE && header.program !== Program.QEMU) {
      throw new XdrError(`unknown program ${header.program}`);
    }
    switch (header.type) {
      case MessageType.REPLY:
        return this.dispatchReply(header, body);
      case MessageType.STREAM:
        return this.dispatchStream(header, body);
      case MessageType.MESSAGE: {
        const codec = header.program === Program.REMOTE ? eventTable.get(header.procedure) : undefined;
        if (codec) this.settings.onEvent(codec.read(new XdrReader(body)));
        return;
      }
      default:
        throw new XdrError(`a server does not send messages of type ${header.type}`);
    }
  }

  private dispatchReply({ serial, program, procedure, status }: Message['header'], body: Buffer): void {
    const call = this.calls.get(serial);
    // An answer nobody waits for any more: the call timed out, or was given up.
    if (!call) return;
    const asked = procedureTable[call.name];
    if (program !== asked.program || procedure !== asked.number) {
      throw new XdrError(`${call.name} was answered as procedure ${procedure}`);
    }
    if (status !== MessageStatus.OK && status !== MessageStatus.ERROR)
      throw new XdrError(`a reply of status ${status}`);
    call.onReply(new XdrReader(body), status === MessageStatus.ERROR);
    this.calls.delete(serial);
  }

  private dispatchStream({ serial, status }: Message['header'], body: Buffer): void {
    const stream = this.streams.get(serial);
    // As with calls: packets may still come for a stream that is over.
    if (!stream) return;
    if (status === MessageStatus.ERROR) stream.failed(readError(new XdrReader(body), stream.procedure));
    else stream.receive(status, body);
  }

  private end(error: LibvirtConnectionError | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.keepAlive?.stop();
    this.socket.destroy();
    const Reason = error instanceof LibvirtProtocolError ? LibvirtProtocolError : LibvirtConnectionError;
    const why = error?.message ?? 'the connection was closed';
    for (const { name, onEnd } of this.calls.values())
      onEnd(new Reason(`${name}: ${why}`, true, { cause: error }));
    for (const stream of this.streams.values())
      stream.failed(new Reason(`${stream.procedure}: ${why}`, true, { cause: error }));
    for (const accepted of this.awaitingDrain.splice(0)) accepted(new Reason(why, true, { cause: error }));
    this.calls.clear();
    this.streams.clear();
    this.settings.onEnd(error);
  }
}
