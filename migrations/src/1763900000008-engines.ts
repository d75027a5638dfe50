import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was last heard of the container engines in guests. Learnt, not decided: losing all of it loses nothing. */
export class Engines1763900000008 implements MigrationInterface {
  readonly name = 'Engines1763900000008';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE engine (
        instance_id text NOT NULL,
        state text NOT NULL,
        version text,
        seen_at bigint NOT NULL,
        CONSTRAINT engine_pkey PRIMARY KEY (instance_id),
        CONSTRAINT engine_instance_fkey FOREIGN KEY (instance_id) REFERENCES instance (id) ON DELETE CASCADE,
        CONSTRAINT engine_state_check CHECK (state IN ('starting', 'ready', 'failed', 'absent'))
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE engine');
  }
}
