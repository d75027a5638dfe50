export class BreakLoop extends Error {
  override readonly name = 'BreakLoop';
  constructor(
    readonly levels: number,
    /** `continue` rather than `break`. */
    readonly goOn: boolean,
  ) {
    super('break');
  }
}

export class ReturnValue extends Error {
  override readonly name = 'ReturnValue';
  constructor(readonly status: number) {
    super('return');
  }
}

/** ^C at a prompt. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export class ForkFailure extends Error {
  override readonly name = 'ForkFailure';
  constructor() {
    super("can't fork: Resource temporarily unavailable");
  }
}
