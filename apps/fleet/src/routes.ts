import { parseFaults } from '@bellows/hypervisor/sim/faults';
import type { HostSpec } from '@bellows/hypervisor/sim/model-host';
import type { SimFleet } from '@bellows/hypervisor/sim/sim-fleet';
import type { Size } from '@bellows/domain/size';
import { InvalidRequestError, numberIn, objectIn, text } from './request-body.js';
import { parseVerbRequest } from './verb-request.js';

type Body = Readonly<Record<string, unknown>>;

/** What a route answers, and when: the model says how long the real thing would have taken. */
export interface Reply {
  readonly value?: unknown;
  readonly answerAt?: number;
}

export type Route = (fleet: SimFleet, body: Body, now: number) => Reply;

/** Read at the time the answer is due, not when the question came. */
export interface LateRead {
  readonly askGuest: boolean;
  readonly read: (fleet: SimFleet, now: number) => unknown;
}

export const routes: Readonly<Record<string, Route>> = {
  'POST /v1/perform': (fleet, body, now) => {
    const { host, fence, verb } = parseVerbRequest(body);
    return fleet.perform(host, fence, verb, now);
  },
  'POST /v1/enrol': (fleet, body, now) =>
    fleet.ensureEnrolled(text(body, 'host'), text(body, 'controllerId'), now),
  'POST /v1/release': (fleet, body, now) =>
    fleet.ensureReleased(text(body, 'host'), text(body, 'controllerId'), now),
  'POST /v1/observe-host': (fleet, body, now) => fleet.observeHost(text(body, 'host'), now),
  'POST /v1/list': (fleet, body, now) => {
    const { value, answerAt } = fleet.listGuests(text(body, 'host'), now);
    return { value: { guests: value }, answerAt };
  },
  'GET /v1/hosts': (fleet, _body, now) => ({ value: { hosts: fleet.inventory(now) } }),
  'PUT /v1/hosts': (fleet, body) => {
    text(body, 'name');
    for (const field of ['vcpus', 'ramMib', 'diskGib']) numberIn(body, field);
    invalidWhenThrown(() => fleet.registerHost(body as unknown as HostSpec));
    return {};
  },
  'GET /v1/faults': (fleet) => ({ value: fleet.faults }),
  'PUT /v1/faults': (fleet, body, now) => {
    fleet.setFaults(
      invalidWhenThrown(() => parseFaults(body)),
      now,
    );
    return { value: fleet.faults };
  },
  'POST /v1/reset': (fleet, body, now) => {
    fleet.resetGuest(text(body, 'host'), text(body, 'instanceId'), now);
    return {};
  },
  'POST /v1/foreign': (fleet, body, now) => {
    const size = objectIn(body, 'size');
    for (const field of ['vcpus', 'ramMib', 'diskGib']) numberIn(size, field);
    const controllerId = body['controllerId'] === null ? null : text(body, 'controllerId');
    fleet.addForeignGuest(
      text(body, 'host'),
      text(body, 'instanceId'),
      size as unknown as Size,
      controllerId,
      now,
    );
    return {};
  },
};

export const lateReads: Readonly<Record<string, (body: Body) => LateRead>> = {
  'POST /v1/observe': (body) => {
    const host = text(body, 'host');
    const id = text(body, 'instanceId');
    const askGuest = body['askGuest'] === true;
    return { askGuest, read: (fleet, now) => fleet.observeGuest(host, id, askGuest, now) };
  },
  'POST /v1/observe-many': (body) => {
    const host = text(body, 'host');
    const ids = body['instanceIds'];
    if (!Array.isArray(ids)) throw new InvalidRequestError('instanceIds must be an array');
    const askGuest = body['askGuest'] === true;
    const read = (fleet: SimFleet, now: number) => ({
      guests: Object.fromEntries(
        ids.map((id: unknown) => [String(id), fleet.observeGuest(host, String(id), askGuest, now)]),
      ),
    });
    return { askGuest, read };
  },
};

/** `DELETE /v1/hosts/NAME` → NAME */
export const removedHost = (method: string, path: string): string | null =>
  method === 'DELETE' && path.startsWith('/v1/hosts/')
    ? decodeURIComponent(path.slice('/v1/hosts/'.length))
    : null;

function invalidWhenThrown<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TypeError) throw new InvalidRequestError(error.message);
    throw error;
  }
}
