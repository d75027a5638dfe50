import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventTable, type DomainEvent } from './events.js';
import { errorBody } from './protocol/error-body.js';
import { FrameCutter } from './protocol/framing.js';
import {
  encodeMessage,
  encodeRawMessage,
  MessageStatus,
  MessageType,
  parseMessage,
} from './protocol/message.js';
import { Program, PROGRAM_VERSION, type Message } from './protocol/message.js';
import type { Procedure } from './protocol/procedure.js';
import { procedureTable, type ProcedureName } from './protocol/table.js';
import type { Codec } from './xdr/codec.js';
import { XdrReader } from './xdr/reader.js';

export interface FakeCall {
  name: ProcedureName;
  args: unknown[];
  serial: number;
  peer: FakePeer;
}

/** Answers with the value returned; with an error when a {@link Refusal} is thrown; not at all with {@link SILENCE}. */
export type Handler = (call: FakeCall) => unknown;

export const SILENCE = Symbol('never answered');

export class Refusal extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

const nameOf = new Map<string, ProcedureName>(
  Object.entries(procedureTable).map(([name, { program, number }]) => [
    `${program}:${number}`,
    name as ProcedureName,
  ]),
);

/** One client as the server sees it. */
export class FakePeer {
  readonly streamPackets: { serial: number; status: number; data: string }[] = [];
  pings = 0;
  answersPings = true;

  constructor(readonly socket: Socket) {}

  reply(serial: number, name: ProcedureName, value: unknown): void {
    const { program, number, ret } = procedureTable[name] as Procedure;
    const header = this.header(program, number, MessageType.REPLY, serial, MessageStatus.OK);
    this.raw(encodeMessage(header, (w) => (ret as Codec<unknown>).write(w, value)));
  }

  refuse(
    serial: number,
    name: ProcedureName,
    { code, message }: Refusal,
    type: number = MessageType.REPLY,
  ): void {
    const { program, number } = procedureTable[name];
    const nulls = { dom: null, str1: null, str2: null, str3: null, int1: 0, int2: 0, net: null };
    const header = this.header(program, number, type, serial, MessageStatus.ERROR);
    this.raw(
      encodeMessage(header, (w) => errorBody.write(w, { code, domain: 10, level: 2, message, ...nulls })),
    );
  }

  event(procedure: number, callbackID: number, event: DomainEvent): void {
    const header = this.header(Program.REMOTE, procedure, MessageType.MESSAGE, 0, MessageStatus.OK);
    this.raw(encodeMessage(header, (w) => eventTable.get(procedure)?.write(w, { callbackID, event })));
  }

  stream(serial: number, name: ProcedureName, status: number, data: Uint8Array = Buffer.alloc(0)): void {
    const { program, number } = procedureTable[name];
    this.raw(encodeRawMessage(this.header(program, number, MessageType.STREAM, serial, status), data));
  }

  ping(): void {
    this.raw(encodeRawMessage(this.header(Program.KEEPALIVE, 1, MessageType.MESSAGE, 0, 0), Buffer.alloc(0)));
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  private header(
    program: number,
    procedure: number,
    type: number,
    serial: number,
    status: number,
  ): Message['header'] {
    return { program, version: PROGRAM_VERSION, procedure, type, serial, status };
  }
}

/** A server over a real unix socket that speaks the protocol and does as it is told. */
export class FakeLibvirtd {
  readonly calls: FakeCall[] = [];
  readonly peers: FakePeer[] = [];
  /** Pongs received, and whatever came that is neither a call, a stream packet nor a ping. */
  pongs = 0;
  private folder: string | undefined;

  private constructor(
    private readonly server: Server,
    private readonly handlers: Partial<Record<ProcedureName, Handler>>,
  ) {}

  /** @param server a TLS server to take clients from; a unix socket of its own otherwise */
  static async listen(
    handlers: Partial<Record<ProcedureName, Handler>> = {},
    server = createServer(),
  ): Promise<FakeLibvirtd> {
    const fake = new FakeLibvirtd(server, {
      authList: () => [0],
      connectOpen: () => undefined,
      connectClose: () => undefined,
      connectSupportsFeature: () => true,
      ...handlers,
    });
    server.on('connection', (socket) => 'setSecureContext' in server || fake.accept(socket));
    server.on('secureConnection', (socket: Socket) => {
      socket.write(Buffer.of(1));
      fake.accept(socket);
    });
    await fake.start();
    return fake;
  }

  get socketPath(): string {
    return join(this.folder ?? '', 'sock');
  }

  get uri(): string {
    return `test+unix:///default?socket=${this.socketPath}`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get peer(): FakePeer {
    return this.peers.at(-1) as FakePeer;
  }

  serialOf(name: ProcedureName): number {
    return this.calls.findLast((call) => call.name === name)?.serial ?? -1;
  }

  /** Cuts every client off; goes on listening. */
  cutOff(): void {
    for (const peer of this.peers) peer.socket.destroy();
  }

  async start(): Promise<void> {
    this.folder ??= await mkdtemp(join(tmpdir(), 'fake-libvirtd-'));
    const address =
      'setSecureContext' in this.server ? { port: 0, host: '127.0.0.1' } : { path: this.socketPath };
    await new Promise<void>((resolve) => this.server.listen(address, resolve));
  }

  async stop(): Promise<void> {
    this.cutOff();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder ?? '', { recursive: true, force: true });
  }

  private accept(socket: Socket): void {
    const peer = new FakePeer(socket);
    const frames = new FrameCutter();
    this.peers.push(peer);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames.cut(chunk)) void this.serve(peer, parseMessage(frame));
    });
  }

  private async serve(peer: FakePeer, { header, body }: Message): Promise<void> {
    const { program, procedure, serial, type, status } = header;
    if (program === Program.KEEPALIVE) return this.keepAlive(peer, procedure);
    const name = nameOf.get(`${program}:${procedure}`);
    if (!name) throw new Error(`procedure ${procedure} is not in the table`);
    if (type === MessageType.STREAM) {
      peer.streamPackets.push({ serial, status, data: body.toString('latin1') });
      return;
    }
    const reader = new XdrReader(body);
    const args = procedureTable[name].args.map((codec) => (codec as Codec<unknown>).read(reader));
    const call = { name, args, serial, peer };
    this.calls.push(call);
    try {
      const value = await this.handlers[name]?.(call);
      if (value !== SILENCE) peer.reply(serial, name, value);
    } catch (error) {
      peer.refuse(serial, name, error instanceof Refusal ? error : new Refusal(1, String(error)));
    }
  }

  private keepAlive(peer: FakePeer, procedure: number): void {
    if (procedure === 2) this.pongs += 1;
    else peer.pings += 1;
    if (procedure !== 1 || !peer.answersPings) return;
    const header = {
      program: Program.KEEPALIVE,
      version: 1,
      procedure: 2,
      type: MessageType.MESSAGE,
      serial: 0,
      status: 0,
    };
    peer.raw(encodeRawMessage(header, Buffer.alloc(0)));
  }
}

/** Polls until it holds; fails the test after two seconds. */
export const eventually = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 400; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it never came to hold');
};
