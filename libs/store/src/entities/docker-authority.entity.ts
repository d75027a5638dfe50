import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Signs the certificates of the docker port. */
@Entity('docker_authority')
export class DockerAuthorityEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'docker_authority_pkey' })
  id!: string;

  @Column({ type: 'text' })
  certificate!: string;

  @Column({ type: 'text' })
  sealedKey!: string;

  @Column({ type: 'bigint' })
  createdAt!: number;

  @Column({ type: 'bigint' })
  expiresAt!: number;
}
