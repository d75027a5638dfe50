import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer as createTlsServer } from 'node:tls';
import { Connection } from './connection.js';
import { LibvirtAuthError, LibvirtConnectionError } from './errors.js';
import { DomainEventID, type DomainEvent } from './events.js';
import { eventually, FakeLibvirtd, SILENCE } from './fake-libvirtd.fixture.js';
import * as pem from './tls.fixture.js';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
  cleanUps.push(() => thing.close());
  return thing;
};

const web = { name: 'web', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 };
const quick = { keepAlive: { intervalMs: 20, count: 3 }, timeoutMs: 2_000 };

describe('keepalive', () => {
  it('answers pings, sends its own, and lives while they are answered', async () => {
    const server = keep(await FakeLibvirtd.listen());
    const connection = keep(await Connection.open(server.uri, quick));
    server.peer.ping();
    await eventually(() => server.pongs === 1);
    await eventually(() => server.peer.pings >= 5);
    expect(connection.isOpen).toBe(true);
  });

  it('ends a connection whose server has gone silent, and the calls on it', async () => {
    const server = keep(await FakeLibvirtd.listen({ domainGetXMLDesc: () => SILENCE }));
    const connection = keep(await Connection.open(server.uri, quick));
    server.peer.answersPings = false;
    await expect(connection.domainGetXMLDesc(web)).rejects.toThrow(/no sign of life/);
    expect(connection.isOpen).toBe(false);
  });

  it('is not spoken to a server that does not have it', async () => {
    const server = keep(
      await FakeLibvirtd.listen({ connectSupportsFeature: () => false, connectGetHostname: () => 'h' }),
    );
    const connection = keep(await Connection.open(server.uri, quick));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await connection.connectGetHostname()).toBe('h');
    expect(server.peer.pings).toBe(0);
  });
});

describe('a reconnecting connection', () => {
  const options = { ...quick, reconnecting: { minDelayMs: 5, maxDelayMs: 20 } };

  it('dials again, registers its callbacks again, and repeats no call', async () => {
    let callbackID = 0;
    const server = keep(
      await FakeLibvirtd.listen({
        connectGetHostname: () => 'h',
        domainSuspend: () => SILENCE,
        connectDomainEventCallbackRegisterAny: () => callbackID++,
        connectDomainEventCallbackDeregisterAny: () => undefined,
      }),
    );
    const connection = keep(await Connection.open(server.uri, options));
    const heard: DomainEvent[] = [];
    const all = await connection.connectDomainEventRegisterAny(null, DomainEventID.LIFECYCLE, (event) =>
      heard.push(event),
    );
    const reconnected = new Promise<void>((resolve) => connection.once('reconnected', resolve));
    const call = connection.domainSuspend(web);
    const outcome = expect(call).rejects.toMatchObject({ name: 'LibvirtConnectionError', sent: true });
    await eventually(() => server.serialOf('domainSuspend') > 0);
    const disconnected = new Promise((resolve) => connection.once('disconnected', resolve));
    await server.stop();
    await disconnected;
    await outcome;
    await expect(connection.connectGetHostname()).rejects.toThrow(LibvirtConnectionError);
    await server.start();
    await reconnected;
    expect(await connection.connectGetHostname()).toBe('h');
    server.peer.event(318, 1, { kind: 'lifecycle', domain: web, event: 2, detail: 0 });
    await eventually(() => heard.length === 1);
    expect(server.calls.filter(({ name }) => name === 'domainSuspend')).toHaveLength(1);
    await all.deregister();
    expect(server.calls.at(-1)).toMatchObject({ args: [1] });
  });

  it('stops dialling when it is closed', async () => {
    const server = keep(await FakeLibvirtd.listen());
    const connection = await Connection.open(server.uri, options);
    const disconnected = new Promise((resolve) => connection.once('disconnected', resolve));
    server.cutOff();
    await disconnected;
    await connection.close();
    const peers = server.peers.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.peers).toHaveLength(peers);
  });
});

describe('TLS', () => {
  const listen = async (): Promise<FakeLibvirtd> => {
    const settings = {
      key: pem.serverKey,
      cert: pem.serverCertificate,
      ca: pem.caCertificate,
      requestCert: true,
    };
    return keep(
      await FakeLibvirtd.listen({ connectGetHostname: () => 'tls-host' }, createTlsServer(settings)),
    );
  };
  const tls = { ca: pem.caCertificate, cert: pem.clientCertificate, key: pem.clientKey };

  it('serves a client whose certificate the server accepts', async () => {
    const server = await listen();
    const connection = keep(
      await Connection.open(`test+tls://localhost:${server.port}/default`, { tls, timeoutMs: 5_000 }),
    );
    expect(await connection.connectGetHostname()).toBe('tls-host');
  });

  it('refuses a server that the authority did not sign, and reports one that refuses us', async () => {
    const server = await listen();
    const uri = `test+tls://127.0.0.1:${server.port}/default`;
    await expect(Connection.open(uri, { timeoutMs: 5_000 })).rejects.toThrow(LibvirtConnectionError);
    const withoutOurs = Connection.open(uri, { tls: { ca: pem.caCertificate }, timeoutMs: 5_000 });
    await expect(withoutOurs).rejects.toThrow(LibvirtAuthError);
  });
});
