import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { IpPoolEntity } from './ip-pool.entity.js';

/** Who owns an address now. */
@Entity('ip_claim')
@Index('ip_claim_instance_idx', ['instanceId'])
export class IpClaimEntity {
  @ForeignKey(() => IpPoolEntity, { name: 'ip_claim_pool_fkey' })
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'ip_claim_pkey' })
  poolId!: string;

  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'ip_claim_pkey' })
  address!: string;

  @Column({ type: 'text' })
  instanceId!: string;
}
