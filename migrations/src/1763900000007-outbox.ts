import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What leaves with a commit: events, the audit trail, kept answers. */
export class Outbox1763900000007 implements MigrationInterface {
  readonly name = 'Outbox1763900000007';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE event (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT event_pkey PRIMARY KEY,
        type text NOT NULL,
        project_id text,
        resource text NOT NULL,
        data json,
        at bigint NOT NULL,
        seq bigint
      );
      CREATE INDEX event_unnumbered_idx ON event (id) WHERE seq IS NULL;
      CREATE UNIQUE INDEX event_seq_key ON event (seq);

      CREATE TABLE audit_entry (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_entry_pkey PRIMARY KEY,
        actor text NOT NULL,
        project_id text,
        action text NOT NULL,
        resource text NOT NULL,
        request_id text,
        at bigint NOT NULL
      );
      CREATE INDEX audit_entry_project_idx ON audit_entry (project_id, id);

      CREATE TABLE kept_answer (
        scope text NOT NULL,
        key text NOT NULL,
        request_hash text NOT NULL,
        status integer NOT NULL,
        body json,
        headers json,
        at bigint NOT NULL,
        CONSTRAINT kept_answer_pkey PRIMARY KEY (scope, key)
      );
      CREATE INDEX kept_answer_at_idx ON kept_answer (at);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE kept_answer, audit_entry, event`);
  }
}
