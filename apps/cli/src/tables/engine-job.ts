import type { EngineJob } from '@bellows/api-client/client';
import { engineJobOutcome } from '../format/states.js';
import { toned } from '../format/styles.js';
import type { Cell } from '../format/styles.js';
import type { Column } from '../format/table.js';
import { age, duration } from '../format/units.js';

type Event = EngineJob['events'][number];

const about = ({ container, image, network, volume }: EngineJob): string => {
  const found = container ?? image ?? network ?? volume;
  return found?.name ?? found?.id?.replace(/^sha256:/, '').slice(0, 12) ?? '—';
};
const eventText = ({ action, exitCode, signal }: Event): string =>
  [action, exitCode ?? '', signal ?? ''].filter((word) => word !== '').join(' ');
const events = ({ events: all, eventsDropped }: EngineJob): string =>
  all.map(eventText).join(', ') + (eventsDropped > 0 ? ` … ${eventsDropped} more` : '');
/** Most calls take milliseconds. */
const took = ({ durationMs: ms }: EngineJob): string =>
  ms === null ? '—' : ms < 1_000 ? `${ms} ms` : duration(ms);
const calls = (job: EngineJob): string => (job.calls > 1 ? ` ×${job.calls}` : '');

export const engineJobColumns: Column<EngineJob>[] = [
  { header: 'JOB', cell: (job) => toned(job.verb + calls(job), 'strong') },
  { header: 'OF', cell: about },
  { header: 'OUTCOME', cell: ({ outcome }) => engineJobOutcome(outcome) },
  { header: 'STATUS', cell: ({ httpStatus }) => String(httpStatus ?? '—'), align: 'right' },
  { header: 'TOOK', cell: took, align: 'right' },
  { header: 'AGE', cell: ({ startedAt }, now) => age(startedAt, now), align: 'right' },
  { header: 'EVENTS', cell: (job) => events(job) || '—' },
  { header: 'ROUTE', cell: ({ route }) => toned(route, 'faint'), wide: true },
  { header: 'TOKEN', cell: ({ principal }) => principal, wide: true },
  { header: 'ID', cell: ({ id }) => toned(id, 'faint'), wide: true },
];

/** A line of a job that is followed. */
export const engineJobLine = (job: EngineJob): Cell[] => [
  toned(job.startedAt.slice(11, 19), 'faint'),
  engineJobOutcome(job.outcome),
  toned(job.verb + calls(job), 'strong'),
  about(job),
  ...(job.durationMs === null ? [] : [took(job)]),
  ...(job.events.length > 0 ? [toned(events(job), 'faint')] : []),
];
