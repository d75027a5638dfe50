import { Command } from 'commander';
import { account } from './commands/account.js';
import { catalogue } from './commands/catalogue.js';
import { dockerEnv } from './commands/docker-env.js';
import { engineJobs } from './commands/engine-jobs.js';
import { host } from './commands/host.js';
import { instance } from './commands/instance.js';
import { ipPool } from './commands/ip-pool.js';
import { login } from './commands/login.js';
import { operation } from './commands/operation.js';
import { plan } from './commands/plan.js';
import { project } from './commands/project.js';
import { token } from './commands/token.js';
import { version } from './commands/version.js';
import { exitHelp } from './exit.js';
import { colourful } from './format/styles.js';
import type { Io } from './io.js';
import type { Noun, Runner } from './runner.js';

/** In the order of the help. */
const groups: readonly (readonly [heading: string, ...nouns: Noun[]])[] = [
  ['Machines:', instance, dockerEnv, engineJobs, operation],
  ['What there is:', plan, catalogue],
  ['Servers and networks (admin):', host, ipPool],
  ['Accounts:', project, token, account],
  ['This command:', login, version],
];

export function makeProgram(runner: Runner, io: Io): Command {
  const program = new Command('bellows')
    .description('Virtual machines on your own servers, resized while they run.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHasColors: () => colourful(io.stdout, io.env),
      getErrHasColors: () => colourful(io.stderr, io.env),
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 100),
      getErrHelpWidth: () => Math.min(io.stderr.columns ?? 100, 100),
      outputError: (text, write) => write(text.replace(/^error: /, 'bellows: ')),
    })
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => `\x1b[1m${title}\x1b[22m` })
    .showHelpAfterError('(see --help)')
    .helpCommand(false)
    .option('--json', "the API's answer as JSON, for scripts")
    .option('--wide', 'more columns')
    .option('--project <name>', 'work in this project, by name or id (admin)')
    .option('--url <url>', 'the cloud to talk to');
  for (const [heading, ...nouns] of groups) {
    program.commandsGroup(heading);
    for (const noun of nouns) noun(program, runner);
  }
  for (const noun of program.commands) noun.helpCommand(false);
  return program.addHelpText('after', exitHelp);
}
