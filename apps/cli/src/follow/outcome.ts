import type { Instance, Operation } from '@bellows/api-client/client';
import { exit, type ExitCode } from '../exit.js';
import { instanceState, operationState } from '../format/states.js';
import { toned, type Paint } from '../format/styles.js';
import { plain } from '../format/text.js';
import { duration, sizeText } from '../format/units.js';

const codes: Readonly<Record<Operation['state'], ExitCode>> = {
  succeeded: exit.ok,
  failed: exit.refused,
  'rolled-back': exit.refused,
  cancelled: exit.refused,
  partial: exit.unfinished,
  stuck: exit.unfinished,
  // Seen here only when --timeout passed first.
  pending: exit.unfinished,
  running: exit.unfinished,
};

export const exitCodeOfOperation = ({ state }: Operation): ExitCode => codes[state] ?? exit.unfinished;

/** Of several: failure outweighs what is not finished, and that outweighs success. */
export function exitCodeOfAll(operations: readonly Operation[]): ExitCode {
  const seen = operations.map(exitCodeOfOperation);
  return seen.includes(exit.refused)
    ? exit.refused
    : seen.includes(exit.unfinished)
      ? exit.unfinished
      : exit.ok;
}

export const addressesText = ({ addresses }: Instance): string =>
  addresses.map(({ address }) => address).join(', ');

const tookText = ({ createdAt, finishedAt }: Operation): string =>
  finishedAt === null ? '' : `in ${duration(Date.parse(finishedAt) - Date.parse(createdAt))}`;

/**
 * What became of it, in a line or two.
 * @param instance as it is now; null once nothing is left of it.
 */
export function outcomeText(
  label: string,
  operation: Operation,
  instance: Instance | null,
  paint: Paint,
): string {
  const { text, tone } = operationState(operation.state);
  const confirmed = operation.confirmedBy && `confirmed by the ${operation.confirmedBy}`;
  const took = paint(toned([tookText(operation), confirmed].filter(Boolean).join(', '), 'faint'));
  const name = plain(label);
  if (operation.state === 'succeeded') {
    const what =
      !instance || instance.state === 'deleted'
        ? [`${paint(toned(`✓ ${name}`, 'good'))} ${operation.kind.replace(/^.*\./, '')}d`]
        : [
            `${paint(toned('✓', 'good'))} ${paint(toned(name, 'strong'))}  ${paint(instanceState(instance.state))}`,
            sizeText(instance.state === 'running' ? instance.size.held : instance.size.desired),
            addressesText(instance),
          ];
    return [[...what.filter(Boolean), took].join('  '), ...warnings(operation, paint)].join('\n') + '\n';
  }
  const why = operation.error ? `: ${plain(operation.error.detail)}` : '';
  const lines = [
    `${paint(toned(text.replace(' ', ` ${operation.kind} of ${name} `), tone))}${why}  ${took}`.trimEnd(),
    ...(operation.error
      ? [paint(toned(`  code ${plain(operation.error.code)}, operation ${operation.id}`, 'faint'))]
      : []),
    ...warnings(operation, paint),
  ];
  return `${lines.join('\n')}\n`;
}

const warnings = ({ warnings: all }: Operation, paint: Paint): string[] =>
  all.map((warning) => paint(toned(`  ! ${plain(warning)}`, 'busy')));
