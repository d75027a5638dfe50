import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who uses the cloud, what they may use, and the cloud's own name. */
export class ProjectsAndTokens1763900000001 implements MigrationInterface {
  readonly name = 'ProjectsAndTokens1763900000001';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE cloud (
        singleton boolean CONSTRAINT cloud_pkey PRIMARY KEY DEFAULT true,
        controller_id text NOT NULL,
        last_event_seq bigint NOT NULL DEFAULT 0,
        CONSTRAINT cloud_one_row CHECK (singleton)
      );
      INSERT INTO cloud (controller_id) VALUES ('ctl-' || replace(gen_random_uuid()::text, '-', ''));

      CREATE TABLE project (
        id text CONSTRAINT project_pkey PRIMARY KEY,
        name text NOT NULL CONSTRAINT project_name_key UNIQUE,
        created_at bigint NOT NULL
      );

      CREATE TABLE quota (
        project_id text CONSTRAINT quota_pkey PRIMARY KEY
          CONSTRAINT quota_project_fkey REFERENCES project (id) ON DELETE CASCADE,
        limit_instances bigint NOT NULL,
        limit_vcpus bigint NOT NULL,
        limit_ram_mib bigint NOT NULL,
        limit_disk_gib bigint NOT NULL,
        used_instances bigint NOT NULL DEFAULT 0,
        used_vcpus bigint NOT NULL DEFAULT 0,
        used_ram_mib bigint NOT NULL DEFAULT 0,
        used_disk_gib bigint NOT NULL DEFAULT 0,
        CONSTRAINT quota_used_check
          CHECK (used_instances >= 0 AND used_vcpus >= 0 AND used_ram_mib >= 0 AND used_disk_gib >= 0)
      ) WITH (fillfactor = 50);

      CREATE TABLE token (
        id text CONSTRAINT token_pkey PRIMARY KEY,
        project_id text CONSTRAINT token_project_fkey REFERENCES project (id) ON DELETE CASCADE,
        role text NOT NULL,
        name text NOT NULL,
        secret_hash text NOT NULL CONSTRAINT token_secret_hash_key UNIQUE,
        created_at bigint NOT NULL,
        expires_at bigint,
        revoked_at bigint,
        CONSTRAINT token_role_check CHECK (role IN ('owner', 'member', 'viewer', 'admin'))
      );
      CREATE INDEX token_page_idx ON token (created_at, id);
      CREATE INDEX project_page_idx ON project (created_at, id);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE token, quota, project, cloud`);
  }
}
