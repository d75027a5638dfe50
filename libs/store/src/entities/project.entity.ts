import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** A customer: every row of theirs names it. */
@Entity('project')
@Index('project_page_idx', ['createdAt', 'id'])
@Unique('project_name_key', ['name'])
export class ProjectEntity {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'project_pkey' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'bigint' })
  createdAt!: number;
}
