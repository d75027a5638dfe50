// House rules that a machine can check; the numbers are those of the twelve rules in docs/architecture.md.
import tseslint from 'typescript-eslint';

const tests = ['**/*.spec.ts', '**/*.e2e.ts', '**/*.fixture.ts', '**/*.fixture.mjs', '**/*.contract.ts'];
const room = ['{libs,apps}/**/*.ts', 'migrations/**/*.ts', 'bench/**/*.ts', 'e2e/**/*.ts'];

const clockAndChance = [
  [
    "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    'Date.now(): the clock is an argument',
  ],
  ["NewExpression[callee.name='Date'][arguments.length=0]", 'new Date(): the clock is an argument'],
  [
    "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    'Math.random(): chance is an argument',
  ],
  [
    "CallExpression[callee.name='randomUUID'], CallExpression[callee.property.name='randomUUID']",
    'ids are arguments',
  ],
].map(([selector, message]) => ({ selector, message }));

const narrowedTests = [
  {
    selector: "MemberExpression[object.name=/^(describe|it|test)$/][property.name='only']",
    message: 'the rest of the suite would not run',
  },
  {
    // `(here ? it : it.skip)(…)` says on what it depends, and `npm test -- --all` fails on it.
    selector:
      "CallExpression[callee.object.name=/^(describe|it|test)$/][callee.property.name='skip'], CallExpression[callee.name=/^(fdescribe|fit|xdescribe|xit|xtest)$/]",
    message: 'a test runs, or it is deleted',
  },
];

export default [
  {
    ignores: ['**/dist/', '**/node_modules/', 'libs/api-client/src/schema.ts', 'infra/', '**/.bellows/'],
  },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: room })),
  {
    files: [...room, 'scripts/*.mjs', '*.mjs'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-debugger': 'error',
      'no-fallthrough': 'error',
      'no-unreachable': 'error',
      'no-self-assign': 'error',
      'no-unsafe-finally': 'error',
      'no-empty': 'error',
      'max-lines': ['error', 300],
    },
  },
  {
    files: room,
    rules: {
      // A line is 110 wide here: what reads as forty lines elsewhere may be a few more, comments not counted.
      'max-lines-per-function': ['error', { max: 45, skipBlankLines: true, skipComments: true, IIFEs: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...narrowedTests],
    },
  },
  {
    files: ['{libs,apps}/**/*.ts'],
    plugins: { house: { rules: { 'constructor-params': constructorParams() } } },
  },
  {
    files: ['{libs,apps}/**/*.ts'],
    ignores: tests,
    rules: { 'house/constructor-params': ['error', 6] },
  },
  {
    files: ['libs/domain/**/*.ts', 'libs/operations/**/*.ts'],
    ignores: tests,
    rules: { 'no-restricted-syntax': ['error', ...narrowedTests, ...clockAndChance] },
  },
  // A migration is one statement after the other; a bench prints.
  { files: ['migrations/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['bench/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: [...tests, 'e2e/**/*.ts'],
    rules: {
      // A contract's cases belong together; still, a test file that long is one to split.
      'max-lines': ['error', 500],
      'max-lines-per-function': 'off',
      // A refused body, a foreign answer: tests hand over what the types forbid.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
];

/** A constructor takes at most so many dependencies (ESLint's own max-params counts every function). */
function constructorParams() {
  return {
    meta: { type: 'suggestion', schema: [{ type: 'integer' }] },
    create: (context) => ({
      "MethodDefinition[kind='constructor']": (node) => {
        const most = context.options[0];
        const count = node.value.params.length;
        if (count > most)
          context.report({ node, message: `${count} constructor parameters; at most ${most} are allowed` });
      },
    }),
  };
}
