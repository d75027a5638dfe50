/** The database is down, restarting or too slow. Nothing of the call was written, unless it was cut at COMMIT. */
export class StoreUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailableError';
  }
}

/** A page cursor that this store never gave out: the client's mistake. */
export class BadCursorError extends Error {
  constructor(message = 'the cursor is not one that a listing returned') {
    super(message);
    this.name = 'BadCursorError';
  }
}
