import type { Operation } from '@bellows/api-client/client';
import { Option } from 'commander';
import { follow } from '../follow/follow.js';
import { exitCodeOfOperation, outcomeText } from '../follow/outcome.js';
import { parseDuration } from '../format/units.js';
import { instanceId, projectOption } from '../names.js';
import { instanceNow } from './change.js';
import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { operationColumns, operationFacts, stepTable } from '../tables/operation.js';

interface ListOptions extends PageOptions {
  readonly instance?: string;
  readonly state?: string;
  readonly kind?: string;
}

async function list(session: Session, options: ListOptions) {
  const api = await session.api;
  const { state, kind } = options;
  const instance = options.instance === undefined ? undefined : await instanceId(session, options.instance);
  const filter = { state, kind, instance, ...(await projectOption(session)) };
  const page = await collect(
    (at) => api.GET('/v1/operations', { params: { query: { ...filter, ...at } } }),
    options,
  );
  showList(session, 'operations', operationColumns, page, options);
}

const detail = (session: Session, operation: Operation): string => {
  const steps = stepTable(operation, { now: Date.now(), paint: session.paint });
  return session.facts(operationFacts(operation)) + (operation.steps.length > 0 ? `\n${steps}` : '');
};

async function read(session: Session, id: string): Promise<Operation> {
  const api = await session.api;
  const { data } = await api.GET('/v1/operations/{id}', { params: { path: { id } } });
  return data!;
}

async function get(session: Session, id: string) {
  const operation = await read(session, id);
  session.show(operation, () => detail(session, operation));
}

async function cancel(session: Session, id: string) {
  const api = await session.api;
  const { data } = await api.POST('/v1/operations/{id}/cancel', { params: { path: { id } } });
  session.show(data, () => session.table(operationColumns, [data!]));
  session.note(`asked to turn round; what becomes of it: bellows op wait ${id}`);
}

async function wait(session: Session, id: string, { timeout }: { timeout?: number }) {
  const operation = await read(session, id);
  const { kind, resource } = operation;
  const api = await session.api;
  const before = await instanceNow(api, resource.id);
  const label = before?.name ?? resource.id;
  const [ended] = await follow(session, [{ label, operation }], { timeout });
  const now = kind === 'instance.delete' ? null : await instanceNow(api, resource.id);
  session.show(ended, () => outcomeText(label, ended!, now, session.paint));
  return exitCodeOfOperation(ended!);
}

export const operation: Noun = (program, runner) => {
  const noun = program.command('op').alias('operation').description('changes at work, and those of the past');
  withPages(noun.command('list').alias('ls').description('with state and how long they took'))
    .option('--instance <instance>', 'only of this one')
    .option('--state <state>', 'only in this state')
    .option('--kind <kind>', 'only of this kind, such as instance.resize')
    .action(runner.action(list));
  noun.command('get <op>').description('one with its steps').action(runner.action(get));
  noun
    .command('cancel <op>')
    .description('turn it round; possible until its point of no return')
    .action(runner.action(cancel));
  noun
    .command('wait <op>')
    .description('show its steps until it has ended; the exit code says how')
    .addOption(new Option('--timeout <time>', 'give up after 90s, 10m, 1h').argParser(parseDuration))
    .action(runner.action(wait));
};
