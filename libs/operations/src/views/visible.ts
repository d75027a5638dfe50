import { looksLikeId, type ProjectId } from '@bellows/domain/ids';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import type { Principal } from '../cloud.js';
import type { Role } from '../ports/rows.js';

/** Another project's resource does not exist as far as this principal can tell. */
export const sees = (principal: Principal, projectId: ProjectId): boolean =>
  principal.role === 'admin' || principal.projectId === projectId;

export const nothingThere = (what: string): Refusal => refuse('not-found', `There is no such ${what}.`);

const ranks: Readonly<Record<Role, number>> = { viewer: 0, member: 1, owner: 2, admin: 3 };

/** Null when the principal's role is this one or a stronger one. */
export const lacksRole = (principal: Principal, needed: Role): Refusal | null =>
  ranks[principal.role] >= ranks[needed]
    ? null
    : refuse('forbidden', `This needs the role ${needed}; the token's role is ${principal.role}.`, {
        needed,
        role: principal.role,
      });

/**
 * The project a listing is about: a project's token sees its own only, an admin one or (undefined) all.
 * @param asked id from the request, any text.
 */
export function listScope(
  principal: Principal,
  asked: string | undefined,
): { projectId: ProjectId | undefined } | Refusal {
  const own = principal.projectId ?? undefined;
  if (asked === undefined) return { projectId: own };
  if (!looksLikeId('project', asked) || !sees(principal, asked as ProjectId)) return nothingThere('project');
  return { projectId: asked as ProjectId };
}
