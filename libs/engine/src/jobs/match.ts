import type { EngineEvent, EngineSubject } from '@bellows/operations/ports/engine-jobs';

/** What must be known of a job to tell whether an event is of it. */
export interface Candidate {
  readonly verb: string;
  readonly expects: readonly string[];
  readonly subjects: readonly EngineSubject[];
  readonly execId: string | null;
  readonly running: boolean;
}

/**
 * The jobs an event belongs to: those under way that bring such an event about or wait for it; when there is none,
 * the newest of those that have ended. An event says nothing of who caused it, so this is a reading, not a proof.
 * @param candidates newest first.
 */
export function jobsOf<Job extends Candidate>(event: EngineEvent, candidates: readonly Job[]): Job[] {
  const key = `${event.type} ${event.action}`;
  const fitting = candidates.filter((job) => job.expects.includes(key) && concerns(event, job, candidates));
  const running = fitting.filter((job) => job.running);
  return running.length > 0 ? running : fitting.slice(0, 1);
}

const subjectOfKind = (job: Candidate, kind: string): EngineSubject | undefined =>
  job.subjects.find((subject) => subject.kind === kind);

/** What it makes has no name that the call itself told: of networks and volumes it is in the body. */
const isNameless = (job: Candidate): boolean =>
  /^(container|network|volume) create$/.test(job.verb) && job.subjects.length === 0;

function concerns(event: EngineEvent, job: Candidate, all: readonly Candidate[]): boolean {
  if (job.execId !== null) return job.execId === event.execId;
  // A tag has two images: the event names the new one.
  if (subjectOfKind(job, event.type)) return isOf(job, event);
  if (!isNameless(job)) return true;
  // Its name is the engine's to find: only where one alone waits is it sure whose container this is.
  const taken = all.some(
    (other) => other !== job && !isNameless(other) && other.verb === job.verb && isOf(other, event),
  );
  const alike = all.filter((other) => other.running && isNameless(other) && other.verb === job.verb);
  return !taken && job.running && alike.length === 1;
}

const isOf = (job: Candidate, event: EngineEvent): boolean =>
  job.subjects.some((subject) => subject.kind === event.type && means(subject, event));

/** Whether a subject, as a path or a query names it, is what the event is about. */
function means({ kind, id, name }: EngineSubject, event: EngineEvent): boolean {
  if (kind === 'image') {
    const said = [event.id, event.name].filter((text) => text !== null).map(canonicalReference);
    return [id, name].some((text) => text !== null && said.includes(canonicalReference(text)));
  }
  if (id !== null) return event.id.startsWith(id);
  if (name === null) return false;
  // Any prefix of an id will do in a path.
  return (
    name === event.name || name === event.id || (/^[0-9a-f]{3,}$/.test(name) && event.id.startsWith(name))
  );
}

/** `busybox` and `docker.io/library/busybox:latest` are one image. */
function canonicalReference(text: string): string {
  const short = text.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');
  const last = short.slice(short.lastIndexOf('/') + 1);
  return last.includes(':') || last.includes('@') ? short : `${short}:latest`;
}

const named = ['container', 'network', 'volume'] as const;

/** What a job is about, with what an event of it adds: the id of a name, the name of an id, the image. */
export function learnt(job: Candidate, event: EngineEvent): readonly EngineSubject[] {
  const { subjects, execId } = job;
  const kind = named.find((one) => one === event.type);
  if (kind === undefined) return subjects;
  const ofExec = kind === 'container' && execId !== null;
  if (!ofExec && !isNameless(job) && subjectOfKind(job, kind) === undefined) return subjects;
  const rest = subjects.filter((subject) => subject.kind !== kind);
  // A volume has no id beside its name.
  const { id, name, image } = event;
  const found: EngineSubject[] = [kind === 'volume' ? { kind, id: null, name: id } : { kind, id, name }];
  const knowsImage = rest.some((subject) => subject.kind === 'image');
  if (image !== null && !knowsImage) found.push({ kind: 'image', id: null, name: image });
  return [...found, ...rest];
}
