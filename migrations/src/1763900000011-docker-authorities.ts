import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who signs the certificates of the docker port; the key of each is sealed with a secret that is not in here. */
export class DockerAuthorities1763900000011 implements MigrationInterface {
  readonly name = 'DockerAuthorities1763900000011';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE docker_authority (
        id text NOT NULL,
        certificate text NOT NULL,
        sealed_key text NOT NULL,
        created_at bigint NOT NULL,
        expires_at bigint NOT NULL,
        CONSTRAINT docker_authority_pkey PRIMARY KEY (id)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE docker_authority');
  }
}
