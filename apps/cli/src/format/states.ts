import type { EngineJob, Host, Instance, Operation, ResizePlan } from '@bellows/api-client/client';
import { toned, type Tone, type Toned } from './styles.js';

type Look = readonly [icon: string, tone: Tone];
type Step = Operation['steps'][number];

/** Exhaustive: a state the API gains does not compile until it has a look here. */
const instanceLooks: Readonly<Record<Instance['state'], Look>> = {
  provisioning: ['◐', 'busy'],
  running: ['●', 'good'],
  paused: ['◌', 'busy'],
  stopping: ['◐', 'busy'],
  stopped: ['○', 'faint'],
  starting: ['◐', 'busy'],
  rebooting: ['◐', 'busy'],
  migrating: ['◐', 'busy'],
  rebuilding: ['◐', 'busy'],
  deleting: ['◐', 'busy'],
  deleted: ['·', 'faint'],
  error: ['✗', 'bad'],
};
const hostLooks: Readonly<Record<Host['state'], Look>> = {
  ready: ['●', 'good'],
  cordoned: ['◌', 'busy'],
  down: ['✗', 'bad'],
};
const operationLooks: Readonly<Record<Operation['state'], Look>> = {
  pending: ['○', 'faint'],
  running: ['◐', 'busy'],
  succeeded: ['✓', 'good'],
  partial: ['◑', 'busy'],
  failed: ['✗', 'bad'],
  'rolled-back': ['↶', 'bad'],
  cancelled: ['⊘', 'faint'],
  stuck: ['!', 'bad'],
};
const engineJobLooks: Readonly<Record<EngineJob['outcome'], Look>> = {
  running: ['◐', 'busy'],
  succeeded: ['✓', 'good'],
  failed: ['✗', 'bad'],
  cut: ['⊘', 'faint'],
};
const stepLooks: Readonly<Record<Step['state'], Look>> = {
  pending: ['○', 'faint'],
  running: ['◐', 'busy'],
  done: ['✓', 'good'],
  retrying: ['↻', 'busy'],
  undoing: ['↶', 'busy'],
  undone: ['↶', 'faint'],
  'undo-failed': ['!', 'bad'],
  skipped: ['–', 'faint'],
};
const impactLooks: Readonly<Record<ResizePlan['impact'], readonly [...Look, meaning: string]>> = {
  live: ['●', 'good', 'no restart, processes keep running'],
  'live-migrate': ['●', 'good', 'moves to another server while it runs'],
  restart: ['↻', 'busy', 'the guest restarts; allow it with --allow restart'],
  offline: ['○', 'faint', 'it is stopped; takes effect when it starts'],
  impossible: ['✗', 'bad', ''],
};

/** An API newer than this command may name states we do not know: shown as they are. */
const look = (looks: Readonly<Record<string, Look | undefined>>, state: string, word = state): Toned => {
  const [icon, tone] = looks[state] ?? (['?', 'faint'] as const);
  return toned(`${icon} ${word}`, tone);
};

export const instanceState = (state: Instance['state']): Toned => look(instanceLooks, state);
export const hostState = (state: Host['state']): Toned => look(hostLooks, state);
export const operationState = (state: Operation['state']): Toned => look(operationLooks, state);
export const engineJobOutcome = (outcome: EngineJob['outcome']): Toned => look(engineJobLooks, outcome);
export const stepState = ({ state, name }: Step): Toned => look(stepLooks, state, name);
export const stepIcon = ({ state }: Step): string => stepLooks[state]?.[0] ?? '?';
export const impactText = (impact: ResizePlan['impact'], reason = ''): Toned => {
  const [icon, tone, meaning] = impactLooks[impact] ?? ['?', 'faint', ''];
  const why = reason || meaning;
  return toned(`${icon} ${impact}${why ? `: ${why}` : ''}`, tone);
};
