import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { client } from '@bellows/api-client/client';
import { interruptible } from '../session.js';
import { removeLogin, writeLogin } from '../connection/stored.js';
import { originOf } from '../connection/where.js';
import { UsageError } from '../exit.js';
import { toned } from '../format/styles.js';
import type { Io } from '../io.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { textOf } from './parse.js';

const usualUrl = 'http://127.0.0.1:3000';

/** @param hidden what is typed does not show. */
async function ask({ stdin, stderr, interrupted }: Io, question: string, hidden: boolean): Promise<string> {
  if (hidden) stderr.write(question);
  const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : stderr;
  const prompt = createInterface({ input: stdin, output, terminal: true });
  // With a terminal of its own, readline takes Ctrl-C for itself.
  const stop = new AbortController();
  prompt.once('SIGINT', () => stop.abort(new UsageError('not logged in')));
  try {
    return await prompt.question(hidden ? '' : question, {
      signal: AbortSignal.any([interrupted, stop.signal]),
    });
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    prompt.close();
    if (hidden) stderr.write('\n');
  }
}

async function tokenFrom(io: Io, file: string | undefined): Promise<string> {
  const text = file
    ? await textOf(io, file)
    : io.stdin.isTTY
      ? await ask(io, 'Token (it does not show): ', true)
      : await textOf(io, '-');
  const token = text.trim();
  if (token === '') throw new UsageError('No token was given: type it, pipe it in, or name a --token-file.');
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UsageError('This is no token: one has no blanks and is ASCII.');
  return token;
}

async function urlFrom({ io, options }: Session, given: string | undefined): Promise<string> {
  const named = given ?? options.url ?? (io.env['BELLOWS_URL'] || undefined);
  if (named !== undefined || !io.stdin.isTTY) return originOf(named ?? usualUrl);
  const typed = await ask(io, `URL [${usualUrl}]: `, false);
  return originOf(typed.trim() || usualUrl);
}

/** Stored only once the cloud has accepted it. */
async function logIn(session: Session, given: string | undefined, { tokenFile }: { tokenFile?: string }) {
  const { io, paint } = session;
  const url = await urlFrom(session, given);
  const token = await tokenFrom(io, tokenFile);
  const api = client({ baseUrl: url, token, fetch: interruptible(io.interrupted) });
  await api.GET('/v1/projects', { params: { query: { limit: 1 } } });
  const path = await writeLogin(io.env, { url, token });
  session.show(
    { url, path },
    () => `${paint(toned('✓', 'good'))} logged in to ${url}  ${paint(toned(path, 'faint'))}\n`,
  );
}

async function logOut(session: Session) {
  const was = await removeLogin(session.io.env);
  session.note(was ? 'logged out; the token is still valid: revoke it if it got lost' : 'was not logged in');
}

export const login: Noun = (program, runner) => {
  program
    .command('login [url]')
    .summary('keep a URL and a token for later')
    .description(
      'Keep a URL and a token under $XDG_CONFIG_HOME/bellows, readable by you alone. The token is typed, piped in or read from a file; never given as an argument, where others could see it.',
    )
    .option('--token-file <file>', 'where the token is; - is stdin')
    .action(runner.action(logIn));
  program.command('logout').description('forget them').action(runner.action(logOut));
};
