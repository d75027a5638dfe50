import { request } from 'node:http';
import { passageHeaders, type Passage } from '../proxy/passage.js';

const mostBytes = 64 * 1024;

/** Where the gateway listens, and what shows it that we may ask. */
export interface GatewayAddress {
  readonly url: string;
  readonly secret: string;
}

/** A short text through the gateway, which reads the guest's bytes; null without a whole one in time. Never rejects. */
export function askThroughGateway(
  { url, secret }: GatewayAddress,
  passage: Passage,
  path: string,
  withinMs: number,
): Promise<string | null> {
  const headers = Object.fromEntries(passageHeaders(passage, secret));
  return new Promise((resolve) => {
    const asked = request(url + path, { headers, agent: false });
    const late = setTimeout(() => give(null), withinMs);
    const give = (text: string | null): void => {
      clearTimeout(late);
      asked.destroy();
      resolve(text);
    };
    asked.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > mostBytes) give(null);
      });
      answer.on('end', () => give(answer.statusCode === 200 && answer.complete ? text : null));
      answer.on('error', () => give(null));
    });
    asked.on('error', () => give(null)).end();
  });
}
