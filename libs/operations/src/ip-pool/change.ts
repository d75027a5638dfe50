import { looksLikeId, type IpPoolId } from '@bellows/domain/ids';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { IpPool } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere } from '../views/visible.js';
import { addressNumber, parseCidr, type Block } from './cidr.js';

export type IpPoolAsk = Pick<IpPool, 'cidr' | 'gateway' | 'kind' | 'mode'> & { zone?: string };

/** Null when the block and its gateway fit each other; else why not. */
function misfit(block: Block | null, gateway: string): Refusal | null {
  const odd = (pointer: string, detail: string) =>
    refuse('invalid', 'The pool cannot be used as described.', undefined, [{ pointer, detail }]);
  if (!block) {
    return odd('/cidr', 'must be an IPv4 network such as 203.0.113.0/24, /8 to /30, without host bits');
  }
  const address = addressNumber(gateway);
  const last = block.first + block.size - 1;
  if (address === null || address <= block.first || address >= last) {
    return odd('/gateway', 'must be an address of the network, neither its first nor its last');
  }
  return null;
}

/** Network address, gateway and broadcast address are never handed out. Admins only. */
export async function addIpPool(
  cloud: Cloud,
  ask: Ask,
  body: IpPoolAsk,
  answer: Answer<IpPool>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const block = parseCidr(body.cidr);
  const wrong = misfit(block, body.gateway);
  if (wrong || !block) return wrong!;
  const overlapping = (await cloud.store.ipPools()).find((other) => {
    const its = parseCidr(other.cidr);
    return its && its.first < block.first + block.size && block.first < its.first + its.size;
  });
  if (overlapping) {
    return refuse('conflict', `Pool ${overlapping.id} has addresses of this network.`, {
      ipPoolId: overlapping.id,
    });
  }
  const { cidr, gateway, kind, mode, zone = null } = body;
  const pool: IpPool = {
    id: cloud.newId('ipPool'),
    cidr,
    gateway,
    kind,
    mode,
    zone,
    size: block.size - 3,
    used: 0,
  };
  const audit = auditOf(ask, 'ip-pool.create', pool.id, null, cloud.clock.now());
  return mutate(cloud, ask, [{ change: 'insert-ip-pool', pool }], audit, answer(pool));
}

export async function findIpPool(cloud: Cloud, id: string): Promise<IpPool | Refusal> {
  return (await cloud.store.ipPools()).find((pool) => pool.id === id) ?? nothingThere('IP pool');
}

/** Admins only; refused while an instance has an address of it. */
export async function removeIpPool(cloud: Cloud, ask: Ask, id: string): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  if (!looksLikeId('ipPool', id)) return nothingThere('IP pool');
  const audit = auditOf(ask, 'ip-pool.remove', id, null, cloud.clock.now());
  const change = { change: 'delete-ip-pool', id: id as IpPoolId } as const;
  return mutate(cloud, ask, [change], audit, { status: 204, body: null });
}
