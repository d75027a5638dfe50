import { readSettings, SettingsError } from '@bellows/config/settings';
import { ensureHome, HomeUnusableError } from './home.js';
import { HomeInUseError, lockHome } from './home-lock.js';
import { whenParentEnds } from './parent.js';
import { Stack } from './stack.js';
import { summaryOf } from './summary.js';

const say = (text: string) => void process.stderr.write(`bellows: ${text}\n`);

/** What the reader can do something about is shown without a stack. */
function textOf(error: unknown): string {
  if (
    error instanceof SettingsError ||
    error instanceof HomeInUseError ||
    error instanceof HomeUnusableError
  ) {
    return error.message;
  }
  return error instanceof Error
    ? process.env.BELLOWS_LOG_LEVEL === 'debug'
      ? error.stack!
      : error.message
    : `${error}`;
}

async function main(): Promise<void> {
  const settings = readSettings();
  await ensureHome(settings.home);
  const lock = await lockHome(settings.home);
  const stack = new Stack(settings, say);
  let stopping: Promise<void> | null = null;
  const stop = (code: number) => {
    stopping ??= stack
      .stop()
      .catch((error: unknown) => say(textOf(error)))
      .then(() => process.exit(code));
    return stopping;
  };
  let askedAt = 0;
  const asked = () => {
    // npm passes on the Ctrl-C that the terminal has sent us already: that is one request, not two.
    if (Date.now() - askedAt < 500) return;
    askedAt = Date.now();
    if (stopping) {
      say('hurrying');
      return stack.hurry();
    }
    say('stopping (Ctrl-C again to hurry)');
    void stop(0);
  };
  process.on('SIGINT', asked).on('SIGTERM', asked).on('SIGHUP', asked);
  whenParentEnds(() => void stop(0));
  try {
    const problems = await stack.start();
    lock.describe(`process ${process.pid} (${stack.url})`);
    if (stopping) return;
    process.stdout.write(summaryOf(settings, stack));
    for (const problem of problems) say(`not enrolled, the next start tries again: ${problem}`);
  } catch (error) {
    if (stopping) return;
    say(textOf(error));
    await stop(1);
  }
}

try {
  await main();
} catch (error) {
  say(textOf(error));
  process.exitCode = 1;
}
