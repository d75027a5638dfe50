import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Connection, type ConnectionOptions } from './connection.js';
import { ErrorCode } from './error-codes.js';
import {
  LibvirtConnectionError,
  LibvirtError,
  LibvirtStreamOverflowError,
  LibvirtTimeoutError,
} from './errors.js';
import { DomainChannel } from './flags.js';
import { eventually, FakeLibvirtd, Refusal, SILENCE, type Handler } from './fake-libvirtd.fixture.js';
import { MessageStatus, MessageType } from './protocol/message.js';
import type { ProcedureName } from './protocol/table.js';
import type { LibvirtStream } from './stream.js';

const { OK, CONTINUE, ERROR } = MessageStatus;
const web = { name: 'web', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 };
const vol = { pool: 'p', name: 'v', key: '/p/v' };

let server: FakeLibvirtd;
let connection: Connection;
const start = async (
  handlers: Partial<Record<ProcedureName, Handler>> = {},
  streamBufferBytes = 65_536,
  options: ConnectionOptions = {},
): Promise<void> => {
  const accept = (): void => undefined;
  server = await FakeLibvirtd.listen({
    domainOpenConsole: accept,
    domainOpenChannel: accept,
    storageVolUpload: accept,
    connectGetHostname: () => 'h',
    ...handlers,
  });
  connection = await Connection.open(server.uri, { timeoutMs: 2_000, streamBufferBytes, ...options });
};
afterEach(async () => {
  await connection.close();
  await server.close();
});

const packets = (): [number, string][] => server.peer.streamPackets.map(({ status, data }) => [status, data]);
const say = (status: number, data = ''): void =>
  server.peer.stream(server.serialOf('domainOpenConsole'), 'domainOpenConsole', status, Buffer.from(data));

describe('a console', () => {
  it('carries bytes both ways, and ends when the server\u2019s do', async () => {
    await start();
    const console = await connection.domainOpenConsole(web);
    console.write('hello');
    await eventually(() => packets().length === 1);
    say(CONTINUE, 'lo');
    say(CONTINUE, 'gin: ');
    say(CONTINUE);
    await eventually(() => packets().length === 2);
    say(OK);
    expect((await console.toArray()).join('')).toBe('login: ');
    expect(packets()).toEqual([
      [CONTINUE, 'hello'],
      [OK, ''],
    ]);
  });

  it('gets what overtook the answer to its opening', async () => {
    await start({
      domainOpenConsole: ({ serial, peer }) =>
        peer.stream(serial, 'domainOpenConsole', CONTINUE, Buffer.from('early')),
    });
    const console = await connection.domainOpenConsole(web);
    const [chunk] = (await once(console, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('early');
    console.destroy();
  });

  it('that floods an absent reader is aborted alone: memory is bounded and other calls go on', async () => {
    await start();
    const console = await connection.domainOpenConsole(web);
    const failed = once(console, 'error');
    for (let i = 0; i < 70_000; i++) say(CONTINUE, 'x');
    const [error] = (await failed) as [Error];
    expect(error).toBeInstanceOf(LibvirtStreamOverflowError);
    expect(console.readableLength).toBeLessThanOrEqual(65_536);
    await eventually(() => packets().some(([status]) => status === ERROR));
    say(OK);
    expect(await connection.connectGetHostname()).toBe('h');
  });

  it('holds a byte at a time without holding more than its limit', async () => {
    await start();
    const console = await connection.domainOpenConsole(web);
    for (let i = 0; i < 60_000; i++) say(CONTINUE, String(i % 10));
    await connection.connectGetHostname();
    say(CONTINUE);
    await eventually(() => packets().length === 1);
    say(OK);
    const text = (await console.toArray()).join('');
    expect(text).toBe('0123456789'.repeat(6_000));
  });

  it('fails with libvirt\u2019s error, and with the connection', async () => {
    await start();
    const refused = await connection.domainOpenConsole(web);
    const serial = server.serialOf('domainOpenConsole');
    server.peer.refuse(
      serial,
      'domainOpenConsole',
      new Refusal(ErrorCode.RPC, 'stream had I/O failure'),
      MessageType.STREAM,
    );
    const [error] = (await once(refused, 'error')) as [LibvirtError];
    expect(error).toMatchObject({ code: ErrorCode.RPC, procedure: 'domainOpenConsole' });
    const cut = await connection.domainOpenConsole(web);
    const failed = once(cut, 'error');
    server.cutOff();
    expect((await failed)[0]).toBeInstanceOf(LibvirtConnectionError);
  });

  it('destroyed is aborted, once', async () => {
    await start();
    const console = await connection.domainOpenConsole(web);
    console.destroy();
    await eventually(() => packets().length === 1);
    say(CONTINUE, 'still coming');
    say(OK);
    expect(await connection.connectGetHostname()).toBe('h');
    expect(packets()).toEqual([[ERROR, '']]);
  });

  it('that opens after its caller has gone is aborted then', async () => {
    await start({ domainOpenConsole: () => SILENCE });
    await expect(connection.domainOpenConsole(web, null, 0, { timeoutMs: 30 })).rejects.toThrow(
      LibvirtTimeoutError,
    );
    expect(packets()).toEqual([]);
    server.peer.reply(server.serialOf('domainOpenConsole'), 'domainOpenConsole', undefined);
    await eventually(() => packets().length === 1);
    expect(packets()).toEqual([[ERROR, '']]);
  });

  it('that cannot be opened rejects, and leaves nothing behind', async () => {
    await start({
      domainOpenConsole: () => {
        throw new Refusal(ErrorCode.OPERATION_INVALID, 'domain is not running');
      },
    });
    await expect(connection.domainOpenConsole(web)).rejects.toThrow('domain is not running');
    await connection.connectGetHostname();
    expect(packets()).toEqual([]);
  });
});

describe('a channel on a connection of its own', () => {
  const open = async (): Promise<LibvirtStream> => {
    await start({}, 65_536, { streamOverflow: 'hold', keepAlive: { intervalMs: 20, count: 3 } });
    return connection.domainOpenChannel(web, 'org.bellows.streams.0', DomainChannel.FORCE);
  };
  const tell = (data: Buffer): boolean => {
    const serial = server.serialOf('domainOpenChannel');
    server.peer.stream(serial, 'domainOpenChannel', CONTINUE, data);
    return server.peer.socket.writableLength > 0;
  };
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it('is asked for by name, and taken from who had it', async () => {
    (await open()).destroy();
    const asked = server.calls.find(({ name }) => name === 'domainOpenChannel');
    expect(asked?.args).toEqual([web, 'org.bellows.streams.0', 1]);
  });

  it('holds the server back while nobody reads, and loses nothing', async () => {
    const channel = await open();
    const block = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251));
    let blocks = 0;
    // The socket between takes a few hundred KiB before it is full.
    for (; blocks < 200 && !tell(block); blocks++) await sleep(1);
    expect(blocks).toBeLessThan(100);
    // Longer than a server that says nothing would be borne with.
    await sleep(300);
    expect(connection.isOpen).toBe(true);
    expect(channel.readableLength).toBeLessThan(150_000);
    const wanted = Buffer.concat(Array.from({ length: blocks + 1 }, () => block));
    const got: Buffer[] = [];
    let gotBytes = 0;
    channel.on('data', (chunk: Buffer) => {
      got.push(chunk);
      gotBytes += chunk.length;
    });
    await eventually(() => gotBytes === wanted.length);
    expect(Buffer.concat(got).equals(wanted)).toBe(true);
    expect(await connection.connectGetHostname()).toBe('h');
    channel.destroy();
  });

  it('destroyed while it held the server back holds it no more', async () => {
    const channel = await open();
    for (let i = 0; i < 40; i++) tell(Buffer.alloc(50_000));
    await sleep(50);
    expect(server.peer.socket.writableLength).toBeGreaterThan(0);
    channel.destroy();
    expect(await connection.connectGetHostname()).toBe('h');
  });

  it('takes no more to write than the server does', async () => {
    const channel = await open();
    server.peer.socket.pause();
    let written = 0;
    while (written < 64_000_000 && channel.write(Buffer.alloc(200_000))) written += 200_000;
    await sleep(50);
    expect(channel.writableNeedDrain).toBe(true);
    expect(written).toBeLessThan(8_000_000);
    server.peer.socket.resume();
    await once(channel, 'drain');
    channel.destroy();
  });
});

describe('an upload', () => {
  it('is cut into packets libvirt takes, and finished when libvirt says so', async () => {
    await start();
    const upload = await connection.storageVolUpload(vol, 0, 0);
    const data = Buffer.alloc(600_000, 'u');
    let finished = false;
    upload.end(data);
    upload.once('finish', () => (finished = true));
    await eventually(() => packets().at(-1)?.[0] === OK);
    const sizes = packets().map(([, bytes]) => bytes.length);
    expect(sizes).toEqual([262_120, 262_120, 75_760, 0]);
    expect(finished).toBe(false);
    server.peer.stream(server.serialOf('storageVolUpload'), 'storageVolUpload', OK);
    await eventually(() => finished);
  });

  it('whose finish is never confirmed fails in time', async () => {
    await start();
    const upload = await connection.storageVolUpload(vol, 0, 0, 0, { timeoutMs: 50 });
    upload.end('x');
    const [error] = (await once(upload, 'error')) as [Error];
    expect(error).toBeInstanceOf(LibvirtTimeoutError);
  });
});

describe('a download', () => {
  const content = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i % 251));
  const download: Handler = ({ args, serial, peer }) => {
    const [, offset, length] = args as [unknown, number, number];
    peer.reply(serial, 'storageVolDownload', undefined);
    peer.stream(serial, 'storageVolDownload', CONTINUE, content.subarray(offset, offset + length));
    if (offset < content.length) peer.stream(serial, 'storageVolDownload', CONTINUE);
    peer.stream(serial, 'storageVolDownload', OK);
    return SILENCE;
  };

  it.each([
    [0, 0, 5_000],
    [100, 0, 4_900],
    [0, 2_000, 2_000],
    [10, 2_048, 2_048],
    [4_990, 100, 10],
  ])('from %d of length %d is asked for in windows and put together', async (offset, length, expected) => {
    await start({ storageVolDownload: download }, 1_000);
    const bytes = Buffer.concat(await (await connection.storageVolDownload(vol, offset, length)).toArray());
    expect(bytes).toEqual(content.subarray(offset, offset + expected));
    const asked = server.calls
      .filter(({ name }) => name === 'storageVolDownload')
      .map(({ args }) => args[2] as number);
    expect(Math.max(...asked)).toBeLessThanOrEqual(1_000);
  });

  it('destroyed before it was read is aborted', async () => {
    await start({ storageVolDownload: () => undefined });
    (await connection.storageVolDownload(vol)).destroy();
    await eventually(() => packets().length === 1);
    expect(packets()).toEqual([[ERROR, '']]);
  });
});
