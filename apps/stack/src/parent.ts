const lookEveryMs = 1_000;

/** npm waits for what it started; when it is gone (killed, not Ctrl-C) nobody holds the foreground any more. */
export function whenParentEnds(ended: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    ended();
  }, lookEveryMs);
  timer.unref();
}
