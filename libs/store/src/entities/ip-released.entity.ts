import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';
import { IpPoolEntity } from './ip-pool.entity.js';

/** An address that was given back, oldest first. */
@Entity('ip_released')
@Index('ip_released_pool_idx', ['poolId', 'id'])
export class IpReleasedEntity {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'ip_released_pkey',
  })
  id!: number;

  @ForeignKey(() => IpPoolEntity, { name: 'ip_released_pool_fkey', onDelete: 'CASCADE' })
  @Column({ type: 'text' })
  poolId!: string;

  @Column({ type: 'text' })
  address!: string;
}
