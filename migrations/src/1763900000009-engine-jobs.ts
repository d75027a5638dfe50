import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The calls of container engines, as they were seen. Observed, not decided: losing all of it loses nothing. Changes
 * are numbered per instance under the lock of its feed's row, so that they become visible in the order of numbers.
 */
export class EngineJobs1763900000009 implements MigrationInterface {
  readonly name = 'EngineJobs1763900000009';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE engine_job_feed (
        instance_id text NOT NULL,
        last_seq bigint NOT NULL,
        trimmed_seq bigint NOT NULL DEFAULT 0,
        CONSTRAINT engine_job_feed_pkey PRIMARY KEY (instance_id),
        CONSTRAINT engine_job_feed_instance_fkey FOREIGN KEY (instance_id) REFERENCES instance (id) ON DELETE CASCADE
      );

      CREATE TABLE engine_recorder (
        id text NOT NULL,
        seen_at bigint NOT NULL,
        CONSTRAINT engine_recorder_pkey PRIMARY KEY (id)
      );

      CREATE TABLE engine_job (
        id text NOT NULL,
        instance_id text NOT NULL,
        principal text NOT NULL,
        route text NOT NULL,
        verb text NOT NULL,
        subjects json NOT NULL,
        started_at bigint NOT NULL,
        duration_ms bigint,
        outcome text NOT NULL,
        http_status integer,
        bytes_in bigint NOT NULL,
        bytes_out bigint NOT NULL,
        calls integer NOT NULL,
        events json NOT NULL,
        events_dropped integer NOT NULL,
        recorder text NOT NULL,
        seq bigint NOT NULL,
        CONSTRAINT engine_job_pkey PRIMARY KEY (id),
        CONSTRAINT engine_job_instance_fkey FOREIGN KEY (instance_id) REFERENCES instance (id) ON DELETE CASCADE,
        CONSTRAINT engine_job_outcome_check CHECK (outcome IN ('running', 'succeeded', 'failed', 'cut'))
      );
      CREATE INDEX engine_job_newest_idx ON engine_job (instance_id, started_at, id);
      CREATE INDEX engine_job_changes_idx ON engine_job (instance_id, seq);
      CREATE INDEX engine_job_started_idx ON engine_job (started_at);
      CREATE INDEX engine_job_running_idx ON engine_job (recorder) WHERE outcome = 'running';
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE engine_job, engine_recorder, engine_job_feed');
  }
}
