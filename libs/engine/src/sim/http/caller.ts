import { isRecord } from '../containers/config.js';
import { credentialsOf, headerJson } from '../registry/cloud-registry.js';
import type { Caller } from '../registry/found-image.js';
import { goneSignal, type Exchange } from './exchange.js';

/** Who pulls or pushes, by the header of one account. */
export function callerOf(exchange: Exchange): Caller {
  const credentials = credentialsOf(headerJson(exchange.request.headers['x-registry-auth']));
  return { credentials: () => credentials, gone: goneSignal(exchange) };
}

/** Who builds, by the header that has an account for each registry. */
export function builderOf(exchange: Exchange): Caller {
  const accounts = headerJson(exchange.request.headers['x-registry-config']);
  const ofHost = isRecord(accounts) ? accounts : {};
  const at = (domain: string) => ofHost[domain] ?? ofHost[`https://${domain}`];
  return { credentials: (domain) => credentialsOf(at(domain)), gone: goneSignal(exchange) };
}
