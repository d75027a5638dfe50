import type { Duplex } from 'node:stream';
import { LibvirtConnectionError, LibvirtProtocolError } from './errors.js';
import { eventTable, type EventMessage } from './events.js';
import { KeepAlive, type KeepAliveOptions } from './keepalive.js';
import { PendingCalls, type ArgsOf, type CallHooks, type ReturnOf } from './pending-calls.js';
import { readError } from './protocol/error-body.js';
import { FrameCutter } from './protocol/framing.js';
import {
  encodeMessage,
  encodeRawMessage,
  MessageStatus,
  MessageType,
  parseMessage,
} from './protocol/message.js';
import { Program, PROGRAM_VERSION, type Message, type MessageHeader } from './protocol/message.js';
import type { CallOptions, Procedure } from './protocol/procedure.js';
import { procedureTable, streamTable, type ProcedureName, type StreamName } from './protocol/table.js';
import { LibvirtStream, type StreamOverflow } from './stream.js';
import { XdrError, XdrReader } from './xdr/reader.js';

export interface SessionSettings {
  timeoutMs: number;
  streamBufferBytes: number;
  streamOverflow: StreamOverflow;
  onEvent(message: EventMessage): void;
  /** Once, with what ended it; undefined when it was {@link Session.close}. */
  onEnd(error: LibvirtConnectionError | undefined): void;
}

type Accepted = (error?: Error | null) => void;

const KEEPALIVE_PING = 1;
const KEEPALIVE_PONG = 2;
/** What may wait for a stalled socket before calls are refused. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** One transport and what is under way on it: calls and streams by serial, events, keepalive. Ends once. */
export class Session {
  private readonly frames = new FrameCutter();
  private readonly calls = new PendingCalls();
  private readonly streams = new Map<number, LibvirtStream>();
  private readonly awaitingDrain: Accepted[] = [];
  /** Serials of the streams that must be read before anything else is. */
  private readonly holding = new Set<number>();
  private keepAlive: KeepAlive | undefined;
  private lastSerial = 0;
  private ended = false;

  constructor(
    private readonly socket: Duplex,
    private readonly settings: SessionSettings,
  ) {
    const lost = (why: string, cause?: Error): void =>
      this.end(new LibvirtConnectionError(why, false, { cause }));
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (cause) => lost(`connection lost: ${cause.message}`, cause));
    socket.on('end', () => lost('the server closed the connection'));
    socket.on('close', () => lost('the connection was cut'));
    socket.on('drain', () => this.awaitingDrain.splice(0).forEach((accepted) => accepted()));
    socket.resume();
  }

  get isOpen(): boolean {
    return !this.ended;
  }

  startKeepAlive({ intervalMs = 5_000, count = 5 }: KeepAliveOptions): void {
    const why = `no sign of life from the server in ${intervalMs * (count + 1)} ms`;
    const dead = (): void => this.end(new LibvirtConnectionError(why));
    this.keepAlive = new KeepAlive(intervalMs, count, () => this.sendKeepAlive(KEEPALIVE_PING), dead);
    this.keepAlive.start();
  }

  call<N extends ProcedureName>(
    name: N,
    args: ArgsOf<N>,
    options?: CallOptions,
    hooks?: CallHooks<ReturnOf<N>>,
  ): Promise<ReturnOf<N>> {
    return this.callAs(this.takeSerial(), name, args, options, hooks);
  }

  async openStream<N extends StreamName>(
    name: N,
    args: ArgsOf<N>,
    options?: CallOptions,
  ): Promise<LibvirtStream> {
    const serial = this.takeSerial();
    const stream = this.createStream(serial, name, options?.timeoutMs ?? this.settings.timeoutMs);
    // Data may overtake the answer to the call that opens the stream.
    this.streams.set(serial, stream);
    let late = true;
    const hooks: CallHooks<unknown> = {
      onReturn: () => (late = false),
      onLateReturn: () => stream.abortLate(),
      onLateError: () => this.streams.delete(serial),
    };
    try {
      await this.callAs(serial, name, args, options, hooks);
      return stream;
    } catch (error) {
      if (late) stream.abandon();
      // Still waiting: should it open yet, it is aborted then.
      if (!this.calls.has(serial)) this.streams.delete(serial);
      throw error;
    }
  }

  /** Ends it without a reason; what is under way rejects. */
  close(): void {
    this.end(undefined);
  }

  private createStream(serial: number, name: StreamName, finishTimeoutMs: number): LibvirtStream {
    const { program, number: procedure, direction } = streamTable[name];
    const header = { program, version: PROGRAM_VERSION, procedure, type: MessageType.STREAM, serial };
    const { streamBufferBytes: bufferBytes, streamOverflow: overflow } = this.settings;
    return new LibvirtStream(
      {
        send: (status, data, accepted) => this.send(encodeRawMessage({ ...header, status }, data), accepted),
        forget: () => this.streams.delete(serial),
        hold: () => this.hold(serial),
        release: () => this.release(serial),
      },
      { procedure: name, direction, bufferBytes, overflow, finishTimeoutMs },
    );
  }

  private hold(serial: number): void {
    this.holding.add(serial);
    this.socket.pause();
    // What we do not read cannot tell us that the server lives.
    this.keepAlive?.stop();
  }

  private release(serial: number): void {
    if (!this.holding.delete(serial) || this.holding.size > 0 || this.ended) return;
    this.keepAlive?.heardFromPeer();
    this.keepAlive?.start();
    this.socket.resume();
  }

  private async callAs<N extends ProcedureName>(
    serial: number,
    name: N,
    args: ArgsOf<N>,
    options: CallOptions = {},
    hooks: CallHooks<ReturnOf<N>> = {},
  ): Promise<ReturnOf<N>> {
    options.signal?.throwIfAborted();
    if (this.ended) throw new LibvirtConnectionError(`${name}: not connected`);
    if (this.socket.writableLength > MAX_QUEUED_BYTES) {
      throw new LibvirtConnectionError(`${name}: too many bytes wait for the server already`);
    }
    this.send(encodeCall(serial, name, args));
    return this.calls.wait(serial, name, { timeoutMs: this.settings.timeoutMs, ...options }, hooks);
  }

  private send(frame: Buffer, accepted?: Accepted): void {
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
        return this.calls.answer(header, body);
      case MessageType.STREAM:
        return this.dispatchStream(header, body);
      case MessageType.MESSAGE:
        return this.dispatchEvent(header, body);
      default:
        throw new XdrError(`a message of type ${header.type}, which no server sends unasked`);
    }
  }

  private dispatchStream({ serial, status }: MessageHeader, body: Buffer): void {
    const stream = this.streams.get(serial);
    // As with calls: packets may still come for a stream that is over.
    if (!stream) return;
    if (status === MessageStatus.ERROR) stream.failed(readError(new XdrReader(body), stream.procedure));
    else stream.receive(status, body);
  }

  /** Events this client never asks for are passed over. */
  private dispatchEvent({ program, procedure }: MessageHeader, body: Buffer): void {
    const codec = program === Program.REMOTE ? eventTable.get(procedure) : undefined;
    if (codec) this.settings.onEvent(codec.read(new XdrReader(body)));
  }

  private end(error: LibvirtConnectionError | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.keepAlive?.stop();
    this.socket.destroy();
    const Reason = error instanceof LibvirtProtocolError ? LibvirtProtocolError : LibvirtConnectionError;
    const why = error?.message ?? 'the connection was closed';
    const reason = (procedure: string): Error => new Reason(`${procedure}: ${why}`, true, { cause: error });
    this.calls.end(reason);
    for (const stream of [...this.streams.values()]) stream.failed(reason(stream.procedure));
    for (const accepted of this.awaitingDrain.splice(0)) accepted(reason('stream'));
    this.streams.clear();
    this.settings.onEnd(error);
  }
}

const encodeCall = (serial: number, name: ProcedureName, args: readonly unknown[]): Buffer => {
  const { program, number: procedure, args: codecs } = procedureTable[name] as Procedure;
  const { OK: status } = MessageStatus;
  const header = { program, version: PROGRAM_VERSION, procedure, type: MessageType.CALL, serial, status };
  return encodeMessage(header, (writer) =>
    codecs.forEach((codec, i) => codec.write(writer, args[i] as never)),
  );
};
