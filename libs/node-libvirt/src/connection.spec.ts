import { afterEach, describe, expect, it } from '@jest/globals';
import { Connection, type ConnectionOptions } from './connection.js';
import { ErrorCode } from './error-codes.js';
import {
  isNoDomain,
  LibvirtAuthError,
  LibvirtConnectionError,
  LibvirtError,
  LibvirtProtocolError,
} from './errors.js';
import { LibvirtTimeoutError } from './errors.js';
import { DomainEventID, type DomainEvent } from './events.js';
import { eventually, FakeLibvirtd, Refusal, SILENCE, type Handler } from './fake-libvirtd.fixture.js';
import type { ProcedureName } from './protocol/table.js';

const web = { name: 'web', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 };
const cleanUps: (() => Promise<void>)[] = [];

const serve = async (
  handlers: Partial<Record<ProcedureName, Handler>> = {},
  options: ConnectionOptions = {},
): Promise<{ server: FakeLibvirtd; connection: Connection }> => {
  const server = await FakeLibvirtd.listen(handlers);
  cleanUps.push(() => server.close());
  const connection = await Connection.open(server.uri, { timeoutMs: 2_000, ...options });
  cleanUps.push(() => connection.close());
  return { server, connection };
};

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('opening', () => {
  it('asks how to authenticate, opens the driver by its own name, and agrees on keepalive', async () => {
    const { server, connection } = await serve({}, { readOnly: true });
    const asked = server.calls.map(({ name, args }) => [name, ...args]);
    expect(asked).toEqual([
      ['authList'],
      ['connectOpen', 'test:///default', 1],
      ['connectSupportsFeature', 10],
    ]);
    expect(connection.isOpen).toBe(true);
  });

  it('passes polkit, and says so when SASL is wanted', async () => {
    const { server } = await serve({ authList: () => [2], authPolkit: () => 1 });
    expect(server.calls.map(({ name }) => name)).toContain('authPolkit');
    await expect(serve({ authList: () => [1] })).rejects.toThrow(LibvirtAuthError);
  });

  it('rejects with what libvirt says, with no socket, with a server that stays silent, with the signal', async () => {
    const refused = serve({
      connectOpen: () => Promise.reject(new Refusal(ErrorCode.NO_CONNECT, 'no driver')),
    });
    await expect(refused).rejects.toMatchObject({ name: 'LibvirtError', code: ErrorCode.NO_CONNECT });
    const nobody = Connection.open('test+unix:///default?socket=/nonexistent/sock');
    await expect(nobody).rejects.toThrow(LibvirtConnectionError);
    await expect(serve({ authList: () => SILENCE }, { timeoutMs: 50 })).rejects.toThrow(LibvirtTimeoutError);
    const signal = AbortSignal.timeout(50);
    await expect(serve({ authList: () => SILENCE }, { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  it('dials through an injected dialer', async () => {
    const server = await FakeLibvirtd.listen();
    cleanUps.push(() => server.close());
    const { connect } = await import('node:net');
    const targets: unknown[] = [];
    const dial: ConnectionOptions['dial'] = (target) => {
      targets.push(target);
      return Promise.resolve(connect(server.socketPath));
    };
    const connection = await Connection.open('qemu+tcp://somewhere:1/system', { dial });
    expect(targets).toEqual([{ transport: 'tcp', host: 'somewhere', port: 1 }]);
    await connection.close();
  });
});

describe('a call', () => {
  it('brings back the answer, or libvirt\u2019s error with its procedure', async () => {
    const { connection } = await serve({
      domainLookupByName: ({ args: [name] }) => {
        if (name === 'web') return web;
        throw new Refusal(ErrorCode.NO_DOMAIN, 'no such domain');
      },
    });
    expect(await connection.domainLookupByName('web')).toEqual(web);
    const error = await connection.domainLookupByName('gone').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LibvirtError);
    expect(isNoDomain(error)).toBe(true);
    expect(error).toMatchObject({
      procedure: 'domainLookupByName',
      message: 'no such domain',
      level: 2,
      domain: 10,
    });
  });

  it('that is never answered ends in time, holds up no other, and its late answer is dropped', async () => {
    const { server, connection } = await serve({
      domainGetXMLDesc: () => SILENCE,
      connectGetHostname: () => 'host-1',
    });
    const stuck = connection.domainGetXMLDesc(web, 0, { timeoutMs: 100 });
    const others = Array.from({ length: 20 }, () => connection.connectGetHostname());
    expect(new Set(await Promise.all(others))).toEqual(new Set(['host-1']));
    await expect(stuck).rejects.toMatchObject({
      name: 'LibvirtTimeoutError',
      procedure: 'domainGetXMLDesc',
      timeoutMs: 100,
    });
    server.peer.reply(server.serialOf('domainGetXMLDesc'), 'domainGetXMLDesc', '<late/>');
    expect(await connection.connectGetHostname()).toBe('host-1');
  });

  it('keeps answers apart when they come in another order', async () => {
    const { server, connection } = await serve({ domainGetXMLDesc: () => SILENCE });
    const calls = ['a', 'b', 'c'].map((name) => connection.domainGetXMLDesc({ ...web, name }));
    await eventually(() => server.calls.filter(({ name }) => name === 'domainGetXMLDesc').length === 3);
    for (const call of server.calls.slice(-3).reverse()) {
      server.peer.reply(call.serial, 'domainGetXMLDesc', (call.args[0] as typeof web).name);
    }
    expect(await Promise.all(calls)).toEqual(['a', 'b', 'c']);
  });

  it('is given up with its signal', async () => {
    const { connection } = await serve({ domainGetXMLDesc: () => SILENCE });
    const controller = new AbortController();
    const call = connection.domainGetXMLDesc(web, 0, { signal: controller.signal });
    controller.abort(new Error('not needed any more'));
    await expect(call).rejects.toThrow('not needed any more');
    await expect(connection.domainGetXMLDesc(web, 0, { signal: controller.signal })).rejects.toThrow(
      'not needed',
    );
  });

  it('with arguments that cannot be sent rejects, and the connection serves on', async () => {
    const { connection } = await serve({ connectGetHostname: () => 'host-1' });
    await expect(connection.domainLookupByName('a\0b')).rejects.toThrow('NUL');
    expect(await connection.connectGetHostname()).toBe('host-1');
  });
});

describe('the end', () => {
  it('rejects what is under way as sent, and what comes after as not', async () => {
    const { server, connection } = await serve({ domainGetXMLDesc: () => SILENCE });
    const call = connection.domainGetXMLDesc(web);
    const told: string[] = [];
    connection.on('disconnected', () => told.push('disconnected'));
    connection.on('closed', () => told.push('closed'));
    await eventually(() => server.serialOf('domainGetXMLDesc') > 0);
    server.cutOff();
    await expect(call).rejects.toMatchObject({ name: 'LibvirtConnectionError', sent: true });
    await expect(connection.connectGetHostname()).rejects.toMatchObject({
      name: 'LibvirtConnectionError',
      sent: false,
    });
    expect(told).toEqual(['disconnected', 'closed']);
    expect(connection.isOpen).toBe(false);
  });

  it('is reached by close even when the server does not answer, and close twice is once', async () => {
    const { connection } = await serve({ connectClose: () => SILENCE, domainGetXMLDesc: () => SILENCE });
    const call = connection.domainGetXMLDesc(web);
    const ended = expect(call).rejects.toThrow(LibvirtConnectionError);
    await connection.close({ timeoutMs: 50 });
    await connection.close();
    await ended;
  });

  const hostile: [string, number[]][] = [
    ['a frame of 4 GiB', [0xff, 0xff, 0xff, 0xff]],
    ['a frame of 3 bytes', [0, 0, 0, 3]],
    ['an unknown program', [0, 0, 0, 28, ...Array<number>(7).fill(0), 1, ...Array<number>(16).fill(0)]],
  ];
  it.each(hostile)('comes at once with %s', async (_, bytes) => {
    const { server, connection } = await serve({ domainGetXMLDesc: () => SILENCE });
    const call = connection.domainGetXMLDesc(web);
    await eventually(() => server.serialOf('domainGetXMLDesc') > 0);
    server.peer.raw(Buffer.from(bytes));
    await expect(call).rejects.toThrow(LibvirtProtocolError);
    expect(connection.isOpen).toBe(false);
  });

  it('comes with an answer whose length is a lie, or to another procedure', async () => {
    const lying = await serve({ domainGetXMLDesc: () => SILENCE });
    const call = lying.connection.domainGetXMLDesc(web);
    await eventually(() => lying.server.serialOf('domainGetXMLDesc') > 0);
    // An answer of one word: a string that claims 2^32 - 1 bytes.
    const serial = lying.server.serialOf('domainGetXMLDesc');
    const frame = Buffer.from('0000000020008086000000010000000e000000010000000000000000ffffffff', 'hex');
    frame.writeUInt32BE(frame.length, 0);
    frame.writeUInt32BE(serial, 20);
    lying.server.peer.raw(frame);
    await expect(call).rejects.toThrow(LibvirtProtocolError);

    const mixed = await serve({ domainGetXMLDesc: () => SILENCE });
    const other = mixed.connection.domainGetXMLDesc(web);
    await eventually(() => mixed.server.serialOf('domainGetXMLDesc') > 0);
    mixed.server.peer.reply(mixed.server.serialOf('domainGetXMLDesc'), 'connectGetHostname', 'host-1');
    await expect(other).rejects.toThrow(/answered as procedure 59/);
  });
});

describe('events', () => {
  it('reach the callback they were registered for, even right behind the answer', async () => {
    let nextID = 0;
    const event = { kind: 'lifecycle', domain: web, event: 2, detail: 0 } as const;
    const { server, connection } = await serve({
      connectDomainEventCallbackRegisterAny: ({ serial, peer }) => {
        peer.socket.cork();
        peer.reply(serial, 'connectDomainEventCallbackRegisterAny', nextID);
        peer.event(318, nextID++, event);
        peer.socket.uncork();
        return SILENCE;
      },
    });
    const heard: DomainEvent[][] = [[], []];
    const first = await connection.connectDomainEventRegisterAny(null, DomainEventID.LIFECYCLE, (e) =>
      heard[0]?.push(e),
    );
    await connection.connectDomainEventRegisterAny(web, DomainEventID.LIFECYCLE, (e) => heard[1]?.push(e));
    expect(heard).toEqual([[event], [event]]);
    const off = first.deregister();
    await expect(off).resolves.toBeUndefined();
    server.peer.event(318, 0, event);
    server.peer.event(318, 1, event);
    await eventually(() => heard[1]?.length === 2);
    expect(heard[0]).toHaveLength(1);
  });

  it('are undone when the registration\u2019s answer comes too late', async () => {
    const { server, connection } = await serve({ connectDomainEventCallbackRegisterAny: () => SILENCE });
    const options = { timeoutMs: 30 };
    const late = connection.connectDomainEventRegisterAny(
      null,
      DomainEventID.REBOOT,
      () => undefined,
      options,
    );
    await expect(late).rejects.toThrow(LibvirtTimeoutError);
    const name = 'connectDomainEventCallbackRegisterAny';
    server.peer.reply(server.serialOf(name), name, 41);
    await eventually(() => server.calls.at(-1)?.name === 'connectDomainEventCallbackDeregisterAny');
    expect(server.calls.at(-1)?.args).toEqual([41]);
  });
});
