import type { Duplex } from 'node:stream';
import { carryCall } from './call.js';
import type { Ended, Exchange } from './exchange.js';
import { carryUpgrade } from './upgrade.js';

/**
 * Carries one exchange over a stream of its own, which is at its end afterwards. Bytes flow as fast as the slower
 * side takes them; nothing is kept but what is under way. Nobody waits for an end that will not come: when one side
 * is gone, the other is cut at once; a far side that fails before its head is there is a 502 with a message.
 * Never rejects.
 */
export function carry(exchange: Exchange, far: Duplex): Promise<Ended> {
  const { caller } = exchange;
  return caller.kind === 'call'
    ? carryCall(exchange, caller.incoming, caller.outgoing, far)
    : carryUpgrade(exchange, caller, far);
}
