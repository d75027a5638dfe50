// The floor plan of docs/architecture.md as rules: imports run one way, and nothing goes round in a circle.

/** Room → the rooms its own code may import. A room that is not named here may import none. */
const mayImport = {
  'libs/domain': [],
  'libs/node-libvirt': [],
  'libs/config': [],
  'libs/postgres': [],
  'libs/api-client': [],
  'libs/operations': ['libs/domain'],
  'libs/store': ['libs/domain', 'libs/operations/[^/]+/ports', 'migrations'],
  'libs/queue': ['libs/domain', 'libs/operations/[^/]+/ports'],
  'libs/hypervisor': ['libs/domain', 'libs/operations/[^/]+/ports', 'libs/node-libvirt'],
  'libs/engine': ['libs/domain', 'libs/operations/[^/]+/ports'],
  'libs/testkit': ['libs/domain', 'libs/operations', 'libs/store', 'libs/postgres', 'migrations'],
  'apps/api': ['libs/config', 'libs/domain', 'libs/engine', 'libs/operations'],
  'apps/worker': ['libs/config', 'libs/domain', 'libs/engine', 'libs/operations'],
  'apps/fleet': [
    'libs/domain',
    'libs/engine/[^/]+/sim',
    'libs/hypervisor/[^/]+/sim',
    'libs/operations/[^/]+/ports',
  ],
  'apps/gateway': ['libs/domain', 'libs/engine/[^/]+/(jobs|proxy|questions)', 'libs/operations/[^/]+/ports'],
  'apps/registry': ['libs/domain'],
  'apps/stack': ['libs/config', 'libs/postgres', 'libs/store/[^/]+/migrate'],
  'apps/cli': ['libs/api-client'],
  migrations: [],
  bench: ['libs/(domain|api-client|node-libvirt|postgres|testkit|hypervisor)', 'e2e/[^/]+/support'],
  e2e: ['libs/api-client'],
};

const adapters = 'libs/(store|queue|hypervisor)';
const tests = '\\.(spec|fixture|contract|e2e)\\.(ts|mjs)$';
const anyRoom = '^((libs|apps)/[^/]+|migrations|bench|e2e)/';

const direction = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `from-${room.replace('/', '-')}`,
  severity: 'error',
  from: {
    path: `^${room}/src/`,
    // Only modules name the adapters; the one queue processor of the worker names its queue.
    pathNot: [tests, ...(/^apps\/(api|worker|gateway)$/.test(room) ? ['\\.(module|processor)\\.ts$'] : [])],
  },
  to: { path: anyRoom, pathNot: [room, ...allowed].map((path) => `^${path}/|^${path}[.]`) },
}));

module.exports = {
  forbidden: [
    ...direction,
    {
      name: 'modules-wire-adapters-only',
      severity: 'error',
      from: { path: '^apps/(api|worker)/src/.*\\.(module|processor)\\.ts$' },
      to: {
        path: anyRoom,
        pathNot: [`^(apps/(api|worker)|libs/(config|domain|engine|operations)|${adapters})/`],
      },
    },
    {
      name: 'the-gateway-wires-streams-only',
      severity: 'error',
      from: { path: '^apps/gateway/src/.*\\.module\\.ts$' },
      to: {
        path: anyRoom,
        pathNot: ['^(apps/gateway|libs/(domain|engine|operations))/', '^libs/hypervisor/.*guest-stream'],
      },
    },
    {
      name: 'the-gateway-holds-no-database',
      comment:
        'It parses bytes of guests: whoever takes it over finds streams into guests, and nothing else.',
      severity: 'error',
      from: { path: '^apps/gateway/', pathNot: tests },
      to: { path: '^libs/(store|queue|postgres|config)/|node_modules/(pg|typeorm|bullmq|ioredis)/' },
    },
    {
      name: 'tests-import-what-tests-may',
      comment:
        'A test may use the test kit, the modelled fleet and the migrated database beside what its room may.',
      severity: 'error',
      from: { path: `^(libs|apps)/.*${tests}` },
      to: { path: '^(bench|e2e)/' },
    },
    {
      name: 'testkit-is-for-tests',
      severity: 'error',
      from: { pathNot: [tests, '^libs/testkit/', '^bench/'] },
      to: { path: '^libs/testkit/' },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'domain-and-operations-are-plain',
      comment: 'They run unchanged under a virtual clock: no framework, no database, no network.',
      severity: 'error',
      from: { path: '^libs/(domain|operations)/src/', pathNot: tests },
      to: {
        dependencyTypesNot: ['local', 'aliased-workspace', 'npm-no-pkg'],
        path: 'node_modules/(?!@bellows/)',
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-undeclared-dependencies',
      severity: 'error',
      from: { pathNot: tests },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: ['/dist/', '/scratch/'] },
    // Types are imports too: a type of another room is a dependency on it.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.spec.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
