import type { Operation } from '@bellows/api-client/client';
import { describe, expect, it } from '@jest/globals';
import { plainPaint } from '../format/styles.js';
import { width } from '../format/text.js';
import { exitCodeOfAll, exitCodeOfOperation, outcomeText } from './outcome.js';
import { stepChanges, stepsLine } from './steps-line.js';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const step = (name: string, state: Operation['steps'][number]['state'], attempt = 1) => ({
  name,
  state,
  attempt,
  startedAt: state === 'pending' ? null : at(1),
  finishedAt: state === 'done' ? at(3) : null,
});
const operation = (over: Partial<Operation>): Operation => ({
  id: 'op-1',
  kind: 'instance.resize',
  projectId: 'prj-1',
  resource: { kind: 'instance', id: 'i-1' },
  state: 'running',
  steps: [step('grow-memory', 'done'), step('grow-vcpus', 'running'), step('confirm-growth', 'pending')],
  warnings: [],
  confirmedBy: null,
  cancelRequested: false,
  attempt: 1,
  createdAt: at(0),
  startedAt: at(0),
  finishedAt: null,
  ...over,
});

describe('the line of steps', () => {
  const look = { now: 4500, columns: 80, frame: 0, paint: plainPaint };
  it('shows what is done, at work and to come', () => {
    expect(stepsLine('web-1', operation({}), look)).toBe(
      'web-1  ✓ grow-memory  ⠋ grow-vcpus  ○ confirm-growth  4.5 s',
    );
  });
  it('never wraps, however narrow the terminal, and loses what is over first', () => {
    for (let columns = 2; columns < 80; columns++)
      expect(width(stepsLine('web-1', operation({}), { ...look, columns }))).toBeLessThan(columns);
    expect(stepsLine('web-1', operation({}), { ...look, columns: 50 })).toBe(
      'web-1  ⠋ grow-vcpus  ○ confirm-growth  4.5 s',
    );
  });
  it('becomes a line a change in a log, each once', () => {
    const [before, after] = [
      operation({}),
      operation({ steps: [step('grow-memory', 'done'), step('grow-vcpus', 'done')] }),
    ];
    expect(stepChanges('web-1', null, before)).toEqual([
      'web-1: ✓ grow-memory, 2.0 s',
      'web-1: ◐ grow-vcpus, running',
    ]);
    expect(stepChanges('web-1', before, after)).toEqual(['web-1: ✓ grow-vcpus, 2.0 s']);
    expect(stepChanges('web-1', after, after)).toEqual([]);
    const again = operation({ steps: [step('grow-memory', 'done'), step('grow-vcpus', 'retrying', 2)] });
    expect(stepChanges('web-1', before, again)).toEqual([
      expect.stringMatching(/^web-1: ↻ grow-vcpus, retrying, try 2, /),
    ]);
  });
});

describe('the exit code of an operation', () => {
  it.each([
    ['succeeded', 0],
    ['failed', 1],
    ['rolled-back', 1],
    ['cancelled', 1],
    ['partial', 4],
    ['stuck', 4],
    ['running', 4],
  ] as const)('%s is %i', (state, code) => {
    expect(exitCodeOfOperation(operation({ state }))).toBe(code);
  });
  it('of several is the worst', () => {
    const all = (...states: Operation['state'][]) =>
      exitCodeOfAll(states.map((state) => operation({ state })));
    expect([all('succeeded'), all('succeeded', 'partial'), all('stuck', 'failed', 'succeeded')]).toEqual([
      0, 4, 1,
    ]);
  });
});

describe('the outcome', () => {
  it('of a failure says why, and where to look', () => {
    const error = { code: 'no-agent', detail: 'The guest never answered.' };
    const ended = operation({ state: 'rolled-back', error, finishedAt: at(12), warnings: ['It was slow.'] });
    expect(outcomeText('web-1', ended, null, plainPaint)).toBe(
      '↶ instance.resize of web-1 rolled-back: The guest never answered.  in 12 s\n' +
        '  code no-agent, operation op-1\n  ! It was slow.\n',
    );
  });
  it('of a delete', () => {
    const ended = operation({ state: 'succeeded', kind: 'instance.delete', finishedAt: at(2) });
    expect(outcomeText('web-1', ended, null, plainPaint)).toBe('✓ web-1 deleted  in 2.0 s\n');
  });
});
