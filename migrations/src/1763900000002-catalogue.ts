import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the cloud sells: plans and images. */
export class Catalogue1763900000002 implements MigrationInterface {
  readonly name = 'Catalogue1763900000002';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE plan (
        id text CONSTRAINT plan_pkey PRIMARY KEY,
        family text NOT NULL,
        vcpus integer NOT NULL,
        ram_mib integer NOT NULL,
        disk_gib integer NOT NULL,
        bandwidth_mbps integer NOT NULL,
        floor_vcpus integer NOT NULL,
        floor_ram_mib integer NOT NULL,
        ceiling_vcpus integer NOT NULL,
        ceiling_ram_mib integer NOT NULL,
        price_per_hour text NOT NULL,
        CONSTRAINT plan_family_check CHECK (family IN ('vps', 'ecs', 'burst')),
        CONSTRAINT plan_size_check CHECK (vcpus > 0 AND ram_mib > 0 AND disk_gib > 0)
      );

      CREATE TABLE image (
        id text CONSTRAINT image_pkey PRIMARY KEY,
        name text NOT NULL CONSTRAINT image_name_key UNIQUE,
        disk_format text NOT NULL,
        min_disk_gib integer NOT NULL,
        min_ram_mib integer NOT NULL,
        os text NOT NULL,
        CONSTRAINT image_disk_format_check CHECK (disk_format IN ('raw', 'qcow2'))
      );
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE image, plan`);
  }
}
