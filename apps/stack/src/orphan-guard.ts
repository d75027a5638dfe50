/**
 * Preloaded into every child: when the supervisor is gone, however it went, the child stops too. Started children
 * are in sessions of their own, so that a terminal's Ctrl-C reaches the supervisor alone and the order is kept.
 */
const graceMs = 8_000;

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), graceMs).unref();
});
process.channel?.unref();
export {};
