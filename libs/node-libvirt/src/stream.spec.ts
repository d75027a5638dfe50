import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Connection } from './connection.js';
import { ErrorCode } from './error-codes.js';
import {
  LibvirtConnectionError,
  LibvirtError,
  LibvirtStreamOverflowError,
  LibvirtTimeoutError,
} from './errors.js';
import { eventually, FakeLibvirtd, Refusal, SILENCE, type Handler } from './fake-libvirtd.fixture.js';
import { MessageStatus, MessageType } from './protocol/message.js';
import type { ProcedureName } from './protocol/table.js';

const { OK, CONTINUE, ERROR } = MessageStatus;
const web = { name: 'web', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 };
const vol = { pool: 'p', name: 'v', key: '/p/v' };

let server: FakeLibvirtd;
let connection: Connection;
const start = async (
  handlers: Partial<Record<ProcedureName, Handler>> = {},
  streamBufferBytes = 65_536,
): Promise<void> => {
  const accept = (): void => undefined;
  server = await FakeLibvirtd.listen({
    domainOpenConsole: accept,
    storageVolUpload: accept,
    connectGetHostname: () => 'h',
    ...handlers,
  });
  connection = await Connection.open(server.uri, { timeoutMs: 2_000, streamBufferBytes });
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
