import { request } from 'node:http';
import { passageHeaders } from '@bellows/engine/proxy/passage';
import type { AskEngine } from '@bellows/operations/ports/engine';

const answerWithinMs = 5_000;
const mostBytes = 64 * 1024;
/** Guests say what they like: what is no version is none. */
const versionForm = /^[0-9][\w.+~-]{0,63}$/;

/** Asks through the gateway, which reads the guest's bytes; here comes a short JSON text, and one field of it counts. */
export const askThrough =
  ({ url, secret }: { readonly url: string; readonly secret: string }): AskEngine =>
  ({ id, driver, uri }, instanceId) =>
    new Promise((resolve) => {
      const passage = passageHeaders({ host: { id, driver, uri }, instanceId, principal: 'worker' }, secret);
      const headers = Object.fromEntries(passage);
      const asked = request(`${url}/version`, { headers, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.length > mostBytes) give(null);
        });
        answer.on('end', () => give(answer.statusCode === 200 ? versionIn(text) : null));
        answer.on('error', () => give(null));
      });
      const late = setTimeout(() => give(null), answerWithinMs);
      const give = (version: string | null): void => {
        clearTimeout(late);
        asked.destroy();
        resolve(version);
      };
      asked.on('error', () => give(null)).end();
    });

function versionIn(text: string): string | null {
  try {
    const { Version } = JSON.parse(text) as { Version?: unknown };
    return typeof Version === 'string' && versionForm.test(Version) ? Version : null;
  } catch {
    return null;
  }
}
