import type { VerbRequest } from '@bellows/hypervisor/sim/fleet-protocol';
import type { GuestVerb } from '@bellows/hypervisor/sim/guest-verbs';
import { InvalidRequestError, numberIn, objectIn, text } from './request-body.js';

type Body = Readonly<Record<string, unknown>>;

/** Checks what the model relies on; what it only keeps (network, keys) is taken as it is. */
export function parseVerbRequest(body: Body): VerbRequest {
  const host = text(body, 'host');
  const fence = objectIn(body, 'fence');
  text(fence, 'controllerId');
  text(fence, 'instanceId');
  numberIn(fence, 'token');
  numberIn(fence, 'deadline');
  return { host, fence: fence as unknown as VerbRequest['fence'], verb: parseVerb(objectIn(body, 'verb')) };
}

function parseVerb(given: Body): GuestVerb {
  const verb = text(given, 'verb') as GuestVerb['verb'];
  switch (verb) {
    case 'ensureVolumes':
    case 'ensureStarted':
      checkSpec(objectIn(given, 'spec'));
      break;
    case 'ensureStopped':
      numberIn(given, 'graceMs');
      break;
    case 'ensureAbsent':
      break;
    case 'ensureLimits':
      checkFigures(objectIn(given, 'limits'), ['vcpus', 'ramMib']);
      break;
    case 'ensureMemory':
      numberIn(given, 'ramMib');
      break;
    case 'ensureVcpus':
      numberIn(given, 'vcpus');
      break;
    case 'ensureDiskGib':
      numberIn(given, 'diskGib');
      break;
    default:
      throw new InvalidRequestError(`there is no verb ${String(verb satisfies never)}`);
  }
  return given as unknown as GuestVerb;
}

function checkSpec(spec: Body): void {
  text(spec, 'image');
  checkFigures(objectIn(spec, 'size'), ['vcpus', 'ramMib', 'diskGib']);
  checkFigures(objectIn(spec, 'floor'), ['vcpus', 'ramMib']);
  checkFigures(objectIn(spec, 'ceiling'), ['vcpus', 'ramMib']);
}

function checkFigures(given: Body, fields: readonly string[]): void {
  for (const field of fields) numberIn(given, field);
}
