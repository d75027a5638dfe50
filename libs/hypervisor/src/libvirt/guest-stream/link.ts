import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import type { Duplex } from 'node:stream';
import { Allowance } from './allowance.js';
import {
  BreachError,
  encodeFrame,
  FrameDecoder,
  FrameType,
  headerBytes,
  maxStreams,
  type Frame,
} from './frame.js';
import { encodeHello, HelloScan } from './hello.js';
import { Liveness } from './liveness.js';
import { MuxStream, type StreamPort } from './mux-stream.js';
import { Sender } from './sender.js';
import { Strays } from './strays.js';
import type { Slice, Turns } from './turns.js';

export interface LinkSettings {
  /** How long the guest may take to answer HELLO in all, and a PING before a stream is opened. */
  readonly helloMs: number;
  /** HELLO is said again after this: what is sent while a guest opens its port may be lost. */
  readonly helloAgainMs: number;
  readonly pingMs: number;
  /** A link without streams is closed after this. */
  readonly idleMs: number;
}

export const defaultLinkSettings: LinkSettings = {
  helloMs: 5_000,
  helloAgainMs: 1_000,
  pingMs: 10_000,
  idleMs: 60_000,
};

/** What a frame costs beside its bytes: small ones are not free. */
const frameCost = 256;
const chunkCost = 64;

/**
 * The host's end of the multiplexer on one channel into a guest. The guest is an adversary: whatever it sends costs
 * bounded memory and its share of the event loop ({@link Turns}), and a breach of the protocol ends the link.
 */
export class Link {
  private readonly streams = new Map<number, MuxStream>();
  private readonly strays = new Strays();
  private readonly allowance = new Allowance();
  private readonly decoder = new FrameDecoder();
  private readonly sender: Sender;
  private readonly liveness: Liveness;
  private readonly hello: Buffer;
  private scan: HelloScan | null;
  private hellosUnanswered = 0;
  private greeted: (() => void) | null = null;
  private lastStream = -1;
  private idle: NodeJS.Timeout | undefined;
  private over: Error | null = null;

  /**
   * @param nonce 16 bytes that were never used before
   * @param onEnd once, however it ends
   */
  constructor(
    private readonly transport: Duplex,
    nonce: Uint8Array,
    private readonly settings: LinkSettings,
    private readonly turns: Turns,
    private readonly onEnd: (error: Error) => void,
  ) {
    this.hello = encodeHello(nonce);
    this.scan = new HelloScan(this.hello);
    this.sender = new Sender(transport, turns);
    this.liveness = new Liveness(
      settings.pingMs,
      (payload) => this.transport.write(encodeFrame(FrameType.PING, 0, payload)),
      () => this.end(new GuestUnreachableError('silent', 'the guest has gone silent')),
    );
    transport.on('readable', () => turns.ask(this.slice));
    transport.on('error', (cause) => this.end(closed(`: ${cause.message}`, cause)));
    transport.on('end', () => this.end(closed('')));
    transport.on('close', () => this.end(closed('')));
  }

  get error(): Error | null {
    return this.over;
  }

  get streamCount(): number {
    return this.streams.size;
  }

  /** Says HELLO until the guest says it back. @throws GuestUnreachableError 'silent'; the link is over then */
  async greet(withinMs = this.settings.helloMs): Promise<void> {
    const sayHello = (): void => {
      this.hellosUnanswered += 1;
      this.transport.write(this.hello);
    };
    const again = setInterval(sayHello, this.settings.helloAgainMs);
    const silent = new GuestUnreachableError('silent', 'nothing in the guest answers for its streams');
    const late = setTimeout(() => this.end(silent), withinMs);
    try {
      await new Promise<void>((resolve) => {
        this.greeted = resolve;
        sayHello();
        this.turns.ask(this.slice);
      });
    } finally {
      clearInterval(again);
      clearTimeout(late);
    }
    if (this.over) throw this.over;
    this.liveness.start();
    this.restWhenIdle();
  }

  /** Whether the guest is still there, when it has not been heard of late. */
  isAlive(): Promise<boolean> {
    return this.liveness.confirm(this.settings.helloMs);
  }

  /** @throws GuestUnreachableError 'too-many', or what ended the link */
  open(target: string): MuxStream {
    if (this.over) throw this.over;
    if (this.streams.size >= maxStreams) {
      throw new GuestUnreachableError('too-many', `the guest has ${maxStreams} streams already`);
    }
    clearTimeout(this.idle);
    this.lastStream += 2;
    const port: StreamPort = {
      ready: (source) => {
        if (!this.over) this.sender.add(source);
      },
      over: (gone, strayBytes) => this.forget(gone, strayBytes),
    };
    const stream = new MuxStream(this.lastStream, target, port, this.allowance.share());
    this.streams.set(stream.id, stream);
    return stream;
  }

  /** Ends every stream with the error. */
  end(error: Error): void {
    if (this.over) return;
    this.over = error;
    clearTimeout(this.idle);
    this.liveness.stop();
    this.sender.stop();
    this.turns.forget(this.slice);
    for (const stream of [...this.streams.values()]) stream.fail(error);
    this.transport.on('error', () => undefined).destroy();
    this.greeted?.();
    this.onEnd(error);
  }

  private forget({ id }: MuxStream, strayBytes: number | null): void {
    this.streams.delete(id);
    if (strayBytes !== null) this.strays.add(id, strayBytes);
    this.restWhenIdle();
  }

  private restWhenIdle(): void {
    clearTimeout(this.idle);
    if (this.streams.size > 0 || this.over || this.scan) return;
    const rest = (): void =>
      this.end(new GuestUnreachableError('silent', 'the link was closed for want of use'));
    this.idle = setTimeout(rest, this.settings.idleMs);
    this.idle.unref();
  }

  private readonly slice: Slice = (allowance) => {
    let done = 0;
    try {
      while (done < allowance) {
        const frame = this.scan ? null : this.decoder.next();
        if (frame) {
          done += headerBytes + frame.payload.length + frameCost;
          this.receive(frame);
          if (this.over) return { done, more: false };
          continue;
        }
        const chunk = this.transport.read() as Buffer | null;
        if (!chunk) return { done, more: false };
        done += this.scan ? this.greeting(this.scan, chunk) : this.take(chunk);
      }
    } catch (error) {
      if (!(error instanceof BreachError)) throw error;
      this.end(new GuestUnreachableError('silent', `the guest broke the protocol: ${error.message}`));
      return { done, more: false };
    }
    return { done, more: true };
  };

  private take(chunk: Buffer): number {
    this.decoder.push(chunk);
    return chunkCost;
  }

  private greeting(scan: HelloScan, chunk: Buffer): number {
    const rest = scan.push(chunk);
    if (rest) {
      this.scan = null;
      this.hellosUnanswered -= 1;
      this.decoder.push(rest);
      this.greeted?.();
    }
    return chunk.length + chunkCost;
  }

  private receive(frame: Frame): void {
    const stream = this.streams.get(frame.stream);
    if (frame.stream === 0) this.receiveOnLink(frame);
    else if (stream) receiveOn(stream, frame);
    else this.strays.pass(frame);
    this.liveness.heard();
  }

  private receiveOnLink({ type, payload }: Frame): void {
    if (type === FrameType.PONG) {
      if (!this.liveness.pong(payload)) throw new BreachError('an answer to no question');
      return;
    }
    // The guest answers every HELLO it was told.
    const answers = type === FrameType.HELLO && payload.equals(this.hello.subarray(headerBytes));
    if (!answers || this.hellosUnanswered-- <= 0) throw new BreachError(`a frame of type ${type} unasked`);
  }
}

function receiveOn(stream: MuxStream, { type, payload }: Frame): void {
  switch (type) {
    case FrameType.DATA:
      return stream.data(payload);
    case FrameType.CREDIT:
      return stream.credit(payload.readUInt32BE(0));
    case FrameType.EOF:
      return stream.eof();
    case FrameType.RESET:
      return stream.reset();
    default:
      throw new BreachError(`a frame of type ${type} from the guest`);
  }
}

const closed = (why: string, cause?: Error): GuestUnreachableError =>
  new GuestUnreachableError('silent', `the channel into the guest was closed${why}`, { cause });
