import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How much a project may keep in the registry. What it keeps is on the registry's disk, which is the truth of it. */
export class RegistryQuota1763900000010 implements MigrationInterface {
  readonly name = 'RegistryQuota1763900000010';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE quota ADD COLUMN limit_registry_mib integer NOT NULL DEFAULT 20480,
        ADD CONSTRAINT quota_limit_registry_check CHECK (limit_registry_mib >= 0)
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`ALTER TABLE quota DROP COLUMN limit_registry_mib`);
  }
}
