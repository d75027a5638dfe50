import { ownerOf } from '@bellows/domain/repository';
import type { Principal } from '../cloud.js';

/** One entry of a registry token's `access` (Docker's token specification). */
export interface Grant {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly actions: readonly string[];
}

/** More than any client asks at once: a push with a mount from each of many repositories. */
const mostScopes = 64;
const scopeForm = /^(repository|registry)(?:\([a-z]+\))?:([^:]{1,255}):([a-z,*]{1,64})$/;

/** @param asked `scope` parameters; each may hold several, parted by blanks. What is no scope is left out. */
export function scopesOf(asked: readonly string[]): Grant[] {
  const scopes: Grant[] = [];
  for (const text of asked.flatMap((part) => part.split(' ')).slice(0, mostScopes)) {
    const [, type, name, actions] = scopeForm.exec(text) ?? [];
    if (!type || !name || !actions) continue;
    scopes.push({ type: type as Grant['type'], name, actions: [...new Set(actions.split(','))] });
  }
  return scopes;
}

/**
 * What of that the principal may: as the token specification wants it, less is not an error but a token that can do
 * less. Null is somebody without a token.
 */
export function granted(principal: Principal | null, asked: readonly Grant[]): Grant[] {
  return asked
    .map((scope) => ({ ...scope, actions: scope.actions.filter((action) => may(principal, scope, action)) }))
    .filter(({ actions }) => actions.length > 0);
}

function may(principal: Principal | null, { type, name }: Grant, action: string): boolean {
  if (type === 'registry') return name === 'catalog' && action === '*' && principal?.role === 'admin';
  if (!['pull', 'push', 'delete'].includes(action)) return false;
  const owner = ownerOf(name);
  if (!owner) return false;
  if (principal?.role === 'admin') return true;
  if (owner.project === null) return action === 'pull';
  if (principal?.projectId !== owner.project) return false;
  return action === 'pull' || principal.role !== 'viewer';
}
