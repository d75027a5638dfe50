import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureAuthority, ensureServerCertificate, ensureTokenKey } from './certificates.js';
import { Collector } from './collector.js';
import { Control } from './control.js';
import { Distribution } from './distribution.js';
import { Front } from './front.js';
import { Gate } from './gate.js';
import { Ledger } from './ledger.js';
import { textIn, writeWhole } from './own-file.js';
import { hostsOf } from './own-hosts.js';
import { Passports } from './passport.js';
import type { RegistrySettings } from './settings.js';
import { StoredImages } from './stored-images.js';
import { TokenWindow } from './token-window.js';
import { Writing } from './writing.js';

export interface Running {
  readonly port: number;
  /** `http://HOST:PORT`, for the API. */
  readonly control: string;
  /** PEM file of the authority that clients trust. */
  readonly authorityFile: string;
  stop(): Promise<void>;
}

export type Log = (message: string, detail?: unknown) => void;

const usualPort = 5000;
const renewEveryMs = 12 * 3_600_000;

/** Docker's registry with our door before it. */
export async function startRegistry(settings: RegistrySettings, log: Log): Promise<Running> {
  const { folder, bind, names } = settings;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = await ensureAuthority(folder);
  const token = await ensureTokenKey(folder);
  const { program } = settings;
  const tokenCertificate = join(folder, 'token.pem');
  const distribution = new Distribution({ program, folder, tokenCertificate, log });
  const hosts = hostsOf(bind, names);
  const certificate = () => ensureServerCertificate(folder, ca, hosts, Date.now());
  const images = new StoredImages(distribution.storage);
  const ledger = new Ledger(images);
  const gate = new Gate(Date.now);
  const collector = new Collector(distribution, images, ledger, gate, settings.quietMs, log);
  const control = new Control(settings.control.secret, images, ledger, gate, collector);
  const parts = {
    socketPath: () => distribution.socketPath,
    passports: new Passports(token.certificate, Date.now),
    writing: new Writing(distribution, images, ledger, gate),
    tokens: new TokenWindow(() => apiUrl(settings)),
  };
  await distribution.start();
  const front = new Front({ hosts, tls: await certificate(), log, ...parts });
  const renew = () =>
    void certificate().then(
      (tls) => front.renew(tls),
      (error: unknown) => log('the certificate was not renewed', error),
    );
  const renewal = setInterval(renew, renewEveryMs).unref();
  const stop = async (): Promise<void> => {
    clearInterval(renewal);
    collector.stop();
    await Promise.all([front.close(), control.close()]);
    await distribution.stop();
  };
  try {
    const port = await listenSomewhere(front, settings);
    const url = await control.listen(settings.control.host, settings.control.port);
    if (settings.collectAtHour !== null) collector.daily(settings.collectAtHour);
    return { port, control: url, authorityFile: join(folder, 'ca.pem'), stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

const apiUrl = async ({ apiUrl: given, folder }: RegistrySettings): Promise<string | null> =>
  given ?? ((await textIn(join(folder, 'api-url')))?.trim() || null);

/**
 * Images carry the port in their names: the one that was found at the first start stays. Where nobody said which, and
 * the usual one is another's, any does.
 */
async function listenSomewhere(front: Front, { folder, bind, port }: RegistrySettings): Promise<number> {
  if (port !== null) return front.listen(bind, port);
  const path = join(folder, 'port');
  const kept = Number(await textIn(path));
  const wanted = [...new Set([...(kept > 0 ? [kept] : []), usualPort, 0])];
  for (const candidate of wanted) {
    try {
      const given = await front.listen(bind, candidate);
      await writeWhole(path, `${given}\n`);
      return given;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error('no port is free');
}
