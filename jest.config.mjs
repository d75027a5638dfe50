// One project per kind of machine a test needs; scripts/test.mjs decides which can run here.
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'es6' },
    },
  ],
};

const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  transform,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^@bellows/(api|worker|fleet|gateway|registry|stack|cli)/(.*)$': '<rootDir>/apps/$1/src/$2',
    '^@bellows/migrations/(.*)$': '<rootDir>/migrations/src/$1',
    '^@bellows/([^/]+)/(.*)$': '<rootDir>/libs/$1/src/$2',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.bellows'],
  ...extra,
});

// One PostgreSQL a run; jest starts it once however many projects name it.
const withPostgres = {
  globalSetup: '<rootDir>/libs/testkit/src/global-setup.mjs',
  globalTeardown: '<rootDir>/libs/testkit/src/global-teardown.mjs',
};

const special = ['db', 'redis', 'browser', 'registry', 'libvirt'];
export default {
  // A machine that is busy with something else makes no test fail; each suite has a budget of its own.
  testTimeout: 60_000,
  projects: [
    project('unit', ['<rootDir>/{libs,apps}/*/src/**/*.spec.ts'], {
      testPathIgnorePatterns: [...special.map((kind) => `\\.${kind}\\.spec\\.ts$`), '/dist/'],
    }),
    ...special.map((kind) =>
      project(kind, [`<rootDir>/{libs,apps}/*/src/**/*.${kind}.spec.ts`], withPostgres),
    ),
    project('e2e', ['<rootDir>/e2e/src/**/*.e2e.ts'], {
      ...withPostgres,
      testPathIgnorePatterns: ['\\.(docker|libvirt)\\.e2e\\.ts$', '/dist/'],
    }),
    project('e2e:docker', ['<rootDir>/e2e/src/**/*.docker.e2e.ts'], withPostgres),
    project('e2e:libvirt', ['<rootDir>/e2e/src/**/*.libvirt.e2e.ts'], {
      // What takes too long for every change: npm run e2e:libvirt:full.
      testPathIgnorePatterns: [...(process.env.BELLOWS_E2E_FULL ? [] : ['\\.full\\.']), '/dist/'],
    }),
  ],
};
