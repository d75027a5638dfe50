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
