import { looksLikeId, type InstanceId } from '@bellows/domain/ids';

export interface DockerPath {
  /** Null: what stands there can be no instance's id. */
  readonly instanceId: InstanceId | null;
  /** Path and query of the engine's API, as they were sent. */
  readonly rest: string;
}

export const dockerRoute = '/v1/instances/:id/docker/*';
const form = /^\/v1\/instances\/([^/?#]*)\/docker(\/.*)$/s;

/**
 * Reads the address undecoded: what is authorised is what was sent, not what somebody may decode it to.
 * @returns null for an address that is not of this route.
 */
export function dockerPath(url: string): DockerPath | null {
  const [, id, rest] = form.exec(url) ?? [];
  if (id === undefined || rest === undefined) return null;
  return { instanceId: looksLikeId('instance', id) ? (id as InstanceId) : null, rest };
}
