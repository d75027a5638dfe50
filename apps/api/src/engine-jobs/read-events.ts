import { request } from 'node:http';
import { readEvent } from '@bellows/engine/jobs/reduce';
import { passageHeaders } from '@bellows/engine/proxy/passage';
import type { GatewayAddress } from '../docker/gateway-line.js';
import type { ReadEvents } from './engine-watchers.js';

/** A record of the gateway's is a few hundred bytes. */
const mostLineBytes = 8 * 1024;

/** Events as the gateway hands them on; each is looked at again, whoever wrote it. */
export const readEventsBy =
  ({ url, secret }: GatewayAddress): ReadEvents =>
  ({ id, driver, uri }, instanceId, since, event, signal) =>
    new Promise((resolve, reject) => {
      // Slots are counted by who asks: each instance's watch is one of its own.
      const principal = `engine-jobs ${instanceId}`;
      const passage = { host: { id, driver, uri }, instanceId, principal, question: 'events' } as const;
      const headers = Object.fromEntries(passageHeaders(passage, secret));
      const asked = request(`${url}/?since=${Math.floor(since)}`, { headers, agent: false, signal });
      asked.on('error', reject).on('response', (answer) => {
        if (answer.statusCode !== 200) {
          asked.destroy();
          return reject(new Error(`the gateway answered ${answer.statusCode}`));
        }
        let rest = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          const lines = (rest + part).split('\n');
          rest = lines.pop()!;
          if (rest.length > mostLineBytes) return void asked.destroy();
          for (const line of lines) {
            const found = eventIn(line);
            if (found) event(found);
          }
        });
        answer.on('error', reject).on('close', () => resolve());
      });
      asked.end();
    });

function eventIn(line: string) {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null && 'event' in said ? readEvent(said.event) : null;
  } catch {
    return null;
  }
}
