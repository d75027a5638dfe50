import { askThroughGateway, type GatewayAddress } from '@bellows/engine/questions/ask';
import type { AskEngine } from '@bellows/operations/ports/engine';

const answerWithinMs = 5_000;
/** Guests say what they like: what is no version is none. */
const versionForm = /^[0-9][\w.+~-]{0,63}$/;

/** Asks through the gateway; here comes a short JSON text, and one field of it counts. */
export const askThrough =
  (gateway: GatewayAddress): AskEngine =>
  async ({ id, driver, uri }, instanceId) => {
    const passage = { host: { id, driver, uri }, instanceId, principal: 'worker' };
    const text = await askThroughGateway(gateway, passage, '/version', answerWithinMs);
    return text === null ? null : versionIn(text);
  };

function versionIn(text: string): string | null {
  try {
    const { Version } = JSON.parse(text) as { Version?: unknown };
    return typeof Version === 'string' && versionForm.test(Version) ? Version : null;
  } catch {
    return null;
  }
}
