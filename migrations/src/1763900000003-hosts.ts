import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Physical servers and the claims on them; changed_in lets pollers miss nothing. */
export class Hosts1763900000003 implements MigrationInterface {
  readonly name = 'Hosts1763900000003';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE host (
        id text CONSTRAINT host_pkey PRIMARY KEY,
        name text NOT NULL CONSTRAINT host_name_key UNIQUE,
        driver text NOT NULL,
        uri text NOT NULL CONSTRAINT host_uri_key UNIQUE,
        zone text NOT NULL,
        state text NOT NULL,
        physical_vcpus integer NOT NULL,
        physical_ram_mib integer NOT NULL,
        physical_disk_gib integer NOT NULL,
        overcommit_vcpus double precision NOT NULL,
        overcommit_ram_mib double precision NOT NULL,
        overcommit_disk_gib double precision NOT NULL,
        reserve_vcpus integer NOT NULL,
        reserve_ram_mib integer NOT NULL,
        reserve_disk_gib integer NOT NULL,
        foreign_vcpus integer NOT NULL,
        foreign_ram_mib integer NOT NULL,
        foreign_disk_gib integer NOT NULL,
        guest_overhead_mib integer NOT NULL,
        capacity_vcpus integer NOT NULL,
        capacity_ram_mib integer NOT NULL,
        capacity_disk_gib integer NOT NULL,
        reserved_vcpus integer NOT NULL,
        reserved_ram_mib integer NOT NULL,
        reserved_disk_gib integer NOT NULL,
        instances integer NOT NULL,
        conditions jsonb NOT NULL,
        created_at bigint NOT NULL,
        changed_in bigint NOT NULL,
        CONSTRAINT host_driver_check CHECK (driver IN ('sim', 'libvirt')),
        CONSTRAINT host_state_check CHECK (state IN ('ready', 'cordoned', 'down')),
        CONSTRAINT host_reserved_check CHECK (reserved_vcpus >= 0 AND reserved_ram_mib >= 0 AND reserved_disk_gib >= 0),
        CONSTRAINT host_capacity_check CHECK (capacity_vcpus >= 0 AND capacity_ram_mib >= 0 AND capacity_disk_gib >= 0),
        CONSTRAINT host_instances_check CHECK (instances >= 0)
      ) WITH (fillfactor = 50);
      CREATE INDEX host_page_idx ON host (created_at, id);

      CREATE TABLE host_tombstone (
        id text CONSTRAINT host_tombstone_pkey PRIMARY KEY,
        changed_in bigint NOT NULL
      );
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE host_tombstone, host`);
  }
}
