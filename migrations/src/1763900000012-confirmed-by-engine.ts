import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The container engine in the guest confirms a size too. */
export class ConfirmedByEngine1763900000012 implements MigrationInterface {
  readonly name = 'ConfirmedByEngine1763900000012';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE operation
        DROP CONSTRAINT operation_confirmed_by_check,
        ADD CONSTRAINT operation_confirmed_by_check CHECK (confirmed_by IN ('guest', 'engine', 'hypervisor'))`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`UPDATE operation SET confirmed_by = 'guest' WHERE confirmed_by = 'engine'`);
    await db.query(`
      ALTER TABLE operation
        DROP CONSTRAINT operation_confirmed_by_check,
        ADD CONSTRAINT operation_confirmed_by_check CHECK (confirmed_by IN ('guest', 'hypervisor'))`);
  }
}
