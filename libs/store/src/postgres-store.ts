import type { HostId, InstanceId, OperationId, ProjectId, TokenId } from '@bellows/domain/ids';
import type { DockerAuthority } from '@bellows/operations/ports/docker-authority';
import type { Engine } from '@bellows/operations/ports/engine';
import type { EngineJob, EngineJobKeep } from '@bellows/operations/ports/engine-jobs';
import type { EpochMs, OperationStep } from '@bellows/operations/ports/rows';
import type { Change, CreateAdmission, PageAsk, Store } from '@bellows/operations/ports/store';
import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import { admitCreates } from './admit-creates.js';
import * as authorities from './authority-reads.js';
import * as catalogue from './catalogue-reads.js';
import { Batched } from './batched.js';
import { commitChanges, commitTogether } from './changes/commit.js';
import { dataSource } from './data-source.js';
import type { StoreOptions } from './data-source.js';
import * as engineJobs from './engine-jobs.js';
import * as engineReads from './engine-reads.js';
import { isUnavailable, unavailable } from './db-errors.js';
import { Database } from './db.js';
import { EndedListener } from './ended-listener.js';
import * as leases from './leases.js';
import type { KnownSagas } from './leases.js';
import { prune, sequenceEvents } from './outbox.js';
import * as placement from './placement-reads.js';
import * as resources from './resource-reads.js';

type Ask<Read extends keyof Store> = Store[Read] extends (ask: infer A) => unknown ? A : never;

async function orUnavailable<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw isUnavailable(error) ? unavailable(error) : error;
  }
}

const together = { batch: 64, atOnce: 2 };

/** The store on PostgreSQL 15 or newer. Every call may throw `StoreUnavailableError`. */
export class PostgresStore implements Store {
  private readonly takes = new Batched(
    (asks: readonly leases.LeaseAsk[]) => leases.takeLeases(this.database, asks),
    together,
  );
  private readonly records = new Batched(
    (asks: readonly leases.StepsAsk[]) => leases.recordSteps(this.database, asks),
    together,
  );

  private readonly finishes = new Batched(
    (commits: readonly (readonly Change[])[]) => commitTogether(this.database, commits),
    together,
  );
  private readonly lives = new Batched(
    (ids: readonly InstanceId[]) => resources.readLiveOperations(this.database, ids),
    together,
  );

  private constructor(
    private readonly source: DataSource,
    private readonly database: Database,
    private readonly ended: EndedListener,
  ) {}

  /** Connects to a migrated database. */
  static async open(options: StoreOptions): Promise<PostgresStore> {
    const source = dataSource(options);
    await orUnavailable(source.initialize());
    return PostgresStore.on(source, options.url);
  }

  /** On connections that somebody else (Nest's module) has opened. @param url for the one that listens. */
  static on(source: DataSource, url: string): PostgresStore {
    const pool = (source.driver as unknown as { master: Pool }).master;
    return new PostgresStore(source, new Database(pool), new EndedListener(url));
  }

  async controllerId(): Promise<string> {
    const [row] = await this.database.rows<{ controller_id: string }>({
      text: 'SELECT controller_id FROM cloud',
    });
    if (!row) throw new Error('the database holds no cloud: migrate it first');
    return row.controller_id;
  }

  readonly commit = (changes: readonly Change[]) =>
    changes.some(({ change }) => change === 'finish-operation')
      ? this.finishes.ask(changes)
      : commitChanges(this.database, changes);
  readonly admitCreates = (batch: readonly CreateAdmission[]) => admitCreates(this.database, batch);
  readonly keptAnswer = (scope: string, key: string) => catalogue.readKeptAnswer(this.database, scope, key);

  readonly instance = (id: InstanceId) => resources.readInstance(this.database, id);
  readonly instances = (ask: Ask<'instances'>) => resources.readInstances(this.database, ask);
  readonly groupHosts = (projectId: ProjectId, group: string) =>
    resources.readGroupHosts(this.database, projectId, group);
  readonly host = (id: HostId) => resources.readHost(this.database, id);
  readonly hosts = (ask: Ask<'hosts'>) => resources.readHosts(this.database, ask);
  readonly heldOnHost = (id: HostId) => resources.readHeldOnHost(this.database, id);
  readonly zones = () => resources.readZones(this.database);
  readonly plans = () => orUnavailable(catalogue.readPlans(this.source));
  readonly images = () => orUnavailable(catalogue.readImages(this.source));
  readonly ipPools = () => catalogue.readIpPools(this.database);
  readonly project = (id: ProjectId) => catalogue.readProject(this.database, id);
  readonly projects = (ask: PageAsk) => catalogue.readProjects(this.database, ask);
  readonly quota = (id: ProjectId) => catalogue.readQuota(this.database, id);
  readonly tokenBySecretHash = (hash: string) => catalogue.readTokenBySecretHash(this.database, hash);
  readonly tokens = (ask: Ask<'tokens'>) => catalogue.readTokens(this.database, ask);
  readonly tokensById = (ids: readonly TokenId[]) => catalogue.readTokensById(this.database, ids);
  readonly instancesById = (ids: readonly InstanceId[]) => resources.readInstancesById(this.database, ids);
  readonly operation = (id: OperationId) => resources.readOperation(this.database, id);
  readonly operations = (ask: Ask<'operations'>) => resources.readOperations(this.database, ask);
  readonly liveOperation = (id: InstanceId) => this.lives.ask(id);
  readonly usage = (ask: Ask<'usage'>) => resources.readUsage(this.database, ask);
  readonly audit = (ask: Ask<'audit'>) => resources.readAudit(this.database, ask);
  readonly onOperationEnded = (listener: (id: OperationId) => void) => this.ended.add(listener);

  readonly placementRows = () => placement.placementRows(this.database);
  readonly placementChanges = (mark: string) => placement.placementChanges(this.database, mark);

  readonly lease = (id: OperationId, owner: string, leaseMs: number, known: KnownSagas) =>
    this.takes.ask({ id, owner, leaseMs, known });
  readonly renewLease = (id: OperationId, fence: number, leaseMs: number) =>
    leases.renewLease(this.database, id, fence, leaseMs);
  readonly recordSteps = (id: OperationId, fence: number, steps: readonly OperationStep[]) =>
    this.records.ask({ id, fence, steps });
  readonly releaseLease = (id: OperationId, fence: number, dueAt: EpochMs) =>
    leases.releaseLease(this.database, id, fence, dueAt);
  readonly overdue = (now: EpochMs, limit: number) => leases.overdue(this.database, now, limit);
  readonly unsettled = (limit: number) => resources.readUnsettled(this.database, limit);
  readonly engines = (ids: readonly InstanceId[]) => engineReads.readEngines(this.database, ids);
  readonly enginesDue = (now: EpochMs, limit: number) =>
    engineReads.readEnginesDue(this.database, now, limit);
  readonly recordEngines = (seen: readonly Engine[]) => engineReads.putEngines(this.database, seen);
  readonly dockerAuthorities = (now: EpochMs) => authorities.readDockerAuthorities(this.database, now);
  readonly addDockerAuthority = (one: DockerAuthority) => authorities.addDockerAuthority(this.database, one);
  readonly recordEngineJobs = (jobs: readonly EngineJob[]) => engineJobs.recordJobs(this.database, jobs);
  readonly engineJobs = (ask: Ask<'engineJobs'>) => engineJobs.readJobs(this.database, ask);
  readonly engineJobChanges = (id: InstanceId, after: number, limit: number) =>
    engineJobs.readChanges(this.database, id, after, limit);
  readonly engineJobMarks = (ids: readonly InstanceId[]) => engineJobs.readMarks(this.database, ids);
  readonly engineJobsBehind = (id: InstanceId, jobs: number) =>
    engineJobs.readBehind(this.database, id, jobs);
  readonly beatRecorder = (recorder: string) => engineJobs.beat(this.database, recorder);
  readonly cutOrphanedJobs = (silentMs: number, limit: number) =>
    engineJobs.cutOrphans(this.database, silentMs, limit);
  readonly trimEngineJobs = (ids: readonly InstanceId[], keep: EngineJobKeep) =>
    engineJobs.trim(this.database, ids, keep);
  readonly pruneEngineJobs = (startedBefore: number, limit: number) =>
    engineJobs.pruneOld(this.database, startedBefore, limit);
  readonly sequenceEvents = (limit: number) => sequenceEvents(this.database, limit);
  readonly prune = (before: { answers: EpochMs; events: EpochMs }) => prune(this.database, before);

  async close(): Promise<void> {
    await this.ended.close();
    if (this.source.isInitialized) await this.source.destroy();
  }
}
