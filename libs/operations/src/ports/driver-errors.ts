/** What a driver may throw. Anything else is a bug, and is treated as not retryable. */
export class DriverError extends Error {
  constructor(
    message: string,
    /** True when the same call may succeed later: a lost connection, a timeout, an injected fault. */
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The host cannot be reached or did not answer in time. */
export class HostUnreachableError extends DriverError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, true, options);
  }
}

/** Someone with a newer fence has acted on this guest: stop at once, change nothing. */
export class StaleFenceError extends DriverError {
  constructor(message: string) {
    super(message, false);
  }
}

/** The verb's deadline passed before it could take effect. */
export class DeadlineError extends DriverError {
  constructor(message: string) {
    super(message, true);
  }
}

/** The host, or the guest, belongs to another controller. */
export class ForeignOwnerError extends DriverError {
  constructor(message: string) {
    super(message, false);
  }
}

/** The hypervisor refused: bad image, no space, unknown guest. Repeating it would not help. */
export class HypervisorRefusedError extends DriverError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, false, options);
  }
}
