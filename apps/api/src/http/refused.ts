import type { Refusal } from '@bellows/domain/refusal';

/** Carries a refusal out of a guard, a pipe or a parameter; the problem filter answers with it. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.detail);
    this.name = 'Refused';
  }
}
