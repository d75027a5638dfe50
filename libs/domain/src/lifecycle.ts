/** The states of things and what may be done in them: one table for API, worker, console and CLI. */
export const instanceStates = [
  'provisioning',
  'running',
  'paused',
  'stopping',
  'stopped',
  'starting',
  'rebooting',
  'migrating',
  'rebuilding',
  'deleting',
  'deleted',
  'error',
] as const;
export type InstanceState = (typeof instanceStates)[number];

/** In which states an action is accepted. Everything else is refused with `wrong-state`. */
export const can = {
  resize: ['running', 'stopped'],
  start: ['stopped'],
  stop: ['running', 'error'],
  reboot: ['running'],
  delete: [
    'provisioning',
    'running',
    'paused',
    'stopping',
    'stopped',
    'starting',
    'rebooting',
    'migrating',
    'rebuilding',
    // A delete that got stuck can be asked for again.
    'deleting',
    'error',
  ],
  update: ['provisioning', 'running', 'paused', 'stopped', 'error'],
} as const satisfies Record<string, readonly InstanceState[]>;
export type InstanceAction = keyof typeof can;

export const allows = (action: InstanceAction, state: InstanceState): boolean =>
  (can[action] as readonly InstanceState[]).includes(state);

/** Which state may follow which; a test proves that every state in use is reachable and `deleted` is final. */
export const transitions: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  provisioning: ['running', 'error', 'deleting', 'deleted'],
  running: ['stopping', 'stopped', 'rebooting', 'deleting', 'error'],
  paused: ['running', 'deleting', 'error'],
  stopping: ['stopped', 'running', 'error', 'deleting'],
  stopped: ['starting', 'deleting'],
  starting: ['running', 'stopped', 'error', 'deleting'],
  rebooting: ['running', 'stopped', 'error', 'deleting'],
  migrating: ['running', 'error', 'deleting'],
  rebuilding: ['running', 'error', 'deleting'],
  deleting: ['deleted'],
  deleted: [],
  error: ['stopping', 'stopped', 'deleting'],
};

export const operationStates = [
  'pending',
  'running',
  'succeeded',
  'partial',
  'failed',
  'rolled-back',
  'cancelled',
  'stuck',
] as const;
export type OperationState = (typeof operationStates)[number];
export type EndState = Exclude<OperationState, 'pending' | 'running'>;

export const isLive = (state: OperationState): boolean => state === 'pending' || state === 'running';

export const operationKinds = [
  'instance.create',
  'instance.resize',
  'instance.start',
  'instance.stop',
  'instance.reboot',
  'instance.delete',
  'instance.settle',
] as const;
/** `instance.settle` is the cloud's own: it finishes a partial shrink and re-applies sizes after a guest reset. */
export type OperationKind = (typeof operationKinds)[number];

export type StepState =
  'pending' | 'running' | 'done' | 'retrying' | 'undoing' | 'undone' | 'undo-failed' | 'skipped';

export const hostStates = ['ready', 'cordoned', 'down'] as const;
export type HostState = (typeof hostStates)[number];
