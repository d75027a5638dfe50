import type { Operation } from '@bellows/api-client/client';
import { operationState, stepState } from '../format/states.js';
import { toned } from '../format/styles.js';
import { table, type Column, type Fact, type TableLook } from '../format/table.js';
import { age, duration, moment } from '../format/units.js';

type Step = Operation['steps'][number];

const took = (from: string | null, until: string | null, now: number): string =>
  from === null ? '—' : duration((until === null ? now : Date.parse(until)) - Date.parse(from));

const progress = ({ steps }: Operation): string =>
  `${steps.filter(({ state }) => state === 'done' || state === 'skipped').length}/${steps.length}`;

export const operationColumns: Column<Operation>[] = [
  { header: 'OPERATION', cell: ({ kind }) => toned(kind, 'strong') },
  { header: 'STATE', cell: ({ state }) => operationState(state) },
  { header: 'STEPS', cell: progress, align: 'right' },
  {
    header: 'TOOK',
    cell: ({ createdAt, finishedAt }, now) => took(createdAt, finishedAt, now),
    align: 'right',
  },
  { header: 'OF', cell: ({ resource }) => resource.id },
  { header: 'AGE', cell: ({ createdAt }, now) => age(createdAt, now), align: 'right' },
  { header: 'PROJECT', cell: ({ projectId }) => projectId, wide: true },
  { header: 'ERROR', cell: ({ error }) => error?.code ?? '—', wide: true },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint') },
];

const stepColumns: Column<Step>[] = [
  { header: 'STEP', cell: stepState },
  { header: 'STATE', cell: ({ state }) => state },
  { header: 'TRIES', cell: ({ attempt }) => String(attempt), align: 'right' },
  {
    header: 'TOOK',
    cell: ({ startedAt, finishedAt }, now) => took(startedAt, finishedAt, now),
    align: 'right',
  },
  { header: '', cell: ({ error }) => (error === undefined ? '' : toned(error, 'bad')) },
];

export const operationFacts = (operation: Operation): Fact[] => [
  ['operation', toned(operation.kind, 'strong'), operationState(operation.state)],
  ['id', operation.id],
  ['of', operation.resource.id],
  ['project', operation.projectId],
  ['confirmed by', operation.confirmedBy ?? ''],
  ['created', moment(operation.createdAt)],
  ['ended', moment(operation.finishedAt)],
  ['cancel', operation.cancelRequested ? 'asked for' : ''],
  ['error', operation.error ? toned(`${operation.error.code}: ${operation.error.detail}`, 'bad') : ''],
  ...operation.warnings.map((warning): Fact => ['!', toned(warning, 'busy')]),
];

export const stepTable = ({ steps }: Operation, look: TableLook): string => table(stepColumns, steps, look);
