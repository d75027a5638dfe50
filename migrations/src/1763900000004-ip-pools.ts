import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Address pools: a cursor, then what was given back; one owner an address. */
export class IpPools1763900000004 implements MigrationInterface {
  readonly name = 'IpPools1763900000004';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE ip_pool (
        id text CONSTRAINT ip_pool_pkey PRIMARY KEY,
        cidr cidr NOT NULL,
        gateway text NOT NULL,
        kind text NOT NULL,
        mode text NOT NULL,
        zone text,
        size bigint NOT NULL,
        used bigint NOT NULL DEFAULT 0,
        next_offset bigint NOT NULL DEFAULT 0,
        CONSTRAINT ip_pool_kind_check CHECK (kind IN ('public', 'private')),
        CONSTRAINT ip_pool_mode_check CHECK (mode IN ('routed', 'bridged')),
        CONSTRAINT ip_pool_used_check CHECK (used >= 0 AND used <= size),
        CONSTRAINT ip_pool_next_offset_check CHECK (next_offset >= 0 AND next_offset <= size),
        CONSTRAINT ip_pool_no_overlap EXCLUDE USING gist (cidr inet_ops WITH &&)
      ) WITH (fillfactor = 50);

      CREATE TABLE ip_claim (
        pool_id text NOT NULL CONSTRAINT ip_claim_pool_fkey REFERENCES ip_pool (id),
        address text NOT NULL,
        instance_id text NOT NULL,
        CONSTRAINT ip_claim_pkey PRIMARY KEY (pool_id, address)
      );
      CREATE INDEX ip_claim_instance_idx ON ip_claim (instance_id);

      CREATE TABLE ip_released (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT ip_released_pkey PRIMARY KEY,
        pool_id text NOT NULL CONSTRAINT ip_released_pool_fkey REFERENCES ip_pool (id) ON DELETE CASCADE,
        address text NOT NULL
      );
      CREATE INDEX ip_released_pool_idx ON ip_released (pool_id, id);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE ip_released, ip_claim, ip_pool`);
  }
}
