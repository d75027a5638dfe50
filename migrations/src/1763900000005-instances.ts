import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Instances, and the stretches of time they are billed for. */
export class Instances1763900000005 implements MigrationInterface {
  readonly name = 'Instances1763900000005';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE instance (
        id text CONSTRAINT instance_pkey PRIMARY KEY,
        project_id text NOT NULL CONSTRAINT instance_project_fkey REFERENCES project (id),
        host_id text NOT NULL,
        name text NOT NULL,
        state text NOT NULL,
        plan_id text NOT NULL,
        family text NOT NULL,
        image text NOT NULL,
        disk_format text NOT NULL,
        zone text NOT NULL,
        desired_vcpus integer NOT NULL,
        desired_ram_mib integer NOT NULL,
        desired_disk_gib integer NOT NULL,
        reserved_vcpus integer NOT NULL,
        reserved_ram_mib integer NOT NULL,
        reserved_disk_gib integer NOT NULL,
        held_vcpus integer NOT NULL,
        held_ram_mib integer NOT NULL,
        held_disk_gib integer NOT NULL,
        effective_vcpus integer NOT NULL,
        effective_ram_mib integer NOT NULL,
        effective_disk_gib integer NOT NULL,
        floor_vcpus integer NOT NULL,
        floor_ram_mib integer NOT NULL,
        ceiling_vcpus integer NOT NULL,
        ceiling_ram_mib integer NOT NULL,
        mac text NOT NULL,
        tap text NOT NULL,
        private_address text,
        private_prefix_length integer,
        private_gateway text,
        public_address text,
        ssh_keys jsonb NOT NULL,
        user_data text,
        tags jsonb NOT NULL,
        anti_affinity_group text,
        conditions jsonb NOT NULL,
        version integer NOT NULL,
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        deleted_at bigint,
        CONSTRAINT instance_state_check CHECK (state IN ('provisioning', 'running', 'paused', 'stopping', 'stopped',
          'starting', 'rebooting', 'migrating', 'rebuilding', 'deleting', 'deleted', 'error')),
        CONSTRAINT instance_family_check CHECK (family IN ('vps', 'ecs', 'burst')),
        CONSTRAINT instance_disk_format_check CHECK (disk_format IN ('raw', 'qcow2')),
        CONSTRAINT instance_reserved_check CHECK (reserved_vcpus >= 0 AND reserved_ram_mib >= 0 AND reserved_disk_gib >= 0),
        CONSTRAINT instance_held_check CHECK (held_vcpus >= 0 AND held_ram_mib >= 0 AND held_disk_gib >= 0)
      ) WITH (fillfactor = 85);
      CREATE INDEX instance_page_idx ON instance (created_at, id);
      CREATE INDEX instance_project_page_idx ON instance (project_id, created_at, id);
      CREATE INDEX instance_host_idx ON instance (host_id) WHERE deleted_at IS NULL;
      CREATE INDEX instance_group_idx ON instance (project_id, anti_affinity_group)
        WHERE anti_affinity_group IS NOT NULL AND deleted_at IS NULL;

      CREATE TABLE usage_interval (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT usage_interval_pkey PRIMARY KEY,
        instance_id text NOT NULL,
        project_id text NOT NULL,
        plan_id text NOT NULL,
        held_vcpus integer NOT NULL,
        held_ram_mib integer NOT NULL,
        held_disk_gib integer NOT NULL,
        from_at bigint NOT NULL,
        until_at bigint,
        CONSTRAINT usage_interval_order_check CHECK (until_at IS NULL OR until_at >= from_at)
      );
      CREATE UNIQUE INDEX usage_interval_open_key ON usage_interval (instance_id) WHERE until_at IS NULL;
      CREATE INDEX usage_interval_project_idx ON usage_interval (project_id, from_at, id);
      CREATE INDEX usage_interval_instance_idx ON usage_interval (instance_id, from_at, id);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE usage_interval, instance`);
  }
}
