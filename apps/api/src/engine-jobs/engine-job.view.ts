import { engineJobOutcomes } from '@bellows/operations/ports/engine-jobs';
import type { EngineEvent, EngineJob, EngineSubjectKind } from '@bellows/operations/ports/engine-jobs';
import { timeOf } from '../http/times.js';
import { Id, Int, Many, One, Str, Time, Word } from '../http/view-fields.js';

export class EngineSubjectView {
  @Str({ nullable: true })
  id!: string | null;
  @Str({ nullable: true })
  name!: string | null;
}

export class EngineEventView {
  @Time({ description: 'When it arrived: the clock of a guest proves nothing.' })
  at!: string;
  @Str({ example: 'container' })
  type!: string;
  @Str({ example: 'die' })
  action!: string;
  @Str()
  id!: string;
  @Str({ nullable: true })
  name!: string | null;
  @Str({ nullable: true })
  image!: string | null;
  @Str({ nullable: true })
  execId!: string | null;
  @Int({ nullable: true })
  exitCode!: number | null;
  @Str({ nullable: true })
  signal!: string | null;
}

export class EngineJobView {
  @Id('job')
  id!: string;
  @Id('i')
  instanceId!: string;
  @Id('tok', { description: 'The token that asked.' })
  principal!: string;
  @Str({ example: 'POST /containers/{id}/start' })
  route!: string;
  @Str({ example: 'container start', description: 'What a docker command it is.' })
  verb!: string;
  @One(EngineSubjectView, { nullable: true })
  container!: EngineSubjectView | null;
  @One(EngineSubjectView, { nullable: true })
  image!: EngineSubjectView | null;
  @One(EngineSubjectView, { nullable: true })
  network!: EngineSubjectView | null;
  @One(EngineSubjectView, { nullable: true })
  volume!: EngineSubjectView | null;
  @Time()
  startedAt!: string;
  @Int({ nullable: true, description: 'Null while it runs.' })
  durationMs!: number | null;
  @Word(engineJobOutcomes, {
    description:
      '`cut`: ended before the engine was done, by the caller, by a revoked token, or with the API.',
  })
  outcome!: string;
  @Int({ nullable: true, description: 'Null before an answer, and when there was none.' })
  httpStatus!: number | null;
  @Int({ description: 'Of the body, or sent on an upgraded connection.' })
  bytesIn!: number;
  @Int({ description: 'Of the body, or received on an upgraded connection.' })
  bytesOut!: number;
  @Int({ description: 'Reads alike within ten seconds are told as one.' })
  calls!: number;
  @Many(EngineEventView, { description: "What the engine said of it. A guest's word." })
  events!: EngineEventView[];
  @Int()
  eventsDropped!: number;
}

const eventView = ({ at, type, action, id, name, image, execId, exitCode, signal }: EngineEvent) => ({
  ...{ at: timeOf(at), type, action, id, name, image, execId, exitCode, signal },
});

export function engineJobView(job: EngineJob): EngineJobView {
  const about = (kind: EngineSubjectKind): EngineSubjectView | null => {
    const found = job.subjects.find((subject) => subject.kind === kind);
    return found ? { id: found.id, name: found.name } : null;
  };
  const { id, instanceId, principal, route, verb, durationMs, outcome, httpStatus } = job;
  const { bytesIn, bytesOut, calls, eventsDropped } = job;
  return {
    ...{ id, instanceId, principal, route, verb },
    container: about('container'),
    image: about('image'),
    network: about('network'),
    volume: about('volume'),
    startedAt: timeOf(job.startedAt),
    ...{ durationMs, outcome, httpStatus, bytesIn, bytesOut, calls },
    events: job.events.map(eventView),
    eventsDropped,
  };
}
