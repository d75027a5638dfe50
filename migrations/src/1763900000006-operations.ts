import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Durable operations: one live an instance, and beside it one delete that waits. */
export class Operations1763900000006 implements MigrationInterface {
  readonly name = 'Operations1763900000006';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE SEQUENCE fence_token AS bigint;

      CREATE TABLE operation (
        id text CONSTRAINT operation_pkey PRIMARY KEY,
        kind text NOT NULL,
        project_id text NOT NULL,
        instance_id text NOT NULL CONSTRAINT operation_instance_fkey REFERENCES instance (id),
        host_id text NOT NULL,
        state text NOT NULL,
        saga_version integer NOT NULL,
        plan json,
        steps jsonb NOT NULL,
        error jsonb,
        warnings jsonb NOT NULL,
        confirmed_by text,
        cancel_requested boolean NOT NULL DEFAULT false,
        fence bigint NOT NULL DEFAULT 0,
        attempt integer NOT NULL DEFAULT 0,
        due_at bigint NOT NULL,
        actor text NOT NULL,
        request_id text,
        created_at bigint NOT NULL,
        started_at bigint,
        finished_at bigint,
        lease_owner text,
        lease_until bigint,
        CONSTRAINT operation_state_check CHECK (state IN ('pending', 'running', 'succeeded', 'partial', 'failed',
          'rolled-back', 'cancelled', 'stuck')),
        CONSTRAINT operation_confirmed_by_check CHECK (confirmed_by IN ('guest', 'hypervisor'))
      ) WITH (fillfactor = 70);
      CREATE UNIQUE INDEX operation_live_key ON operation (instance_id)
        WHERE state IN ('pending', 'running') AND kind <> 'instance.delete';
      CREATE UNIQUE INDEX operation_live_delete_key ON operation (instance_id)
        WHERE state IN ('pending', 'running') AND kind = 'instance.delete';
      CREATE INDEX operation_due_idx ON operation (due_at) WHERE state IN ('pending', 'running');
      CREATE INDEX operation_page_idx ON operation (created_at, id);
      CREATE INDEX operation_project_page_idx ON operation (project_id, created_at, id);
      CREATE INDEX operation_instance_page_idx ON operation (instance_id, created_at, id);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE operation; DROP SEQUENCE fence_token`);
  }
}
