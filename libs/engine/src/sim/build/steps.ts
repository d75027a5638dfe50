import { normalPath } from '../files/node.js';
import { FileTree } from '../files/file-tree.js';
import type { ContainerConfig } from '../images/image.js';
import { pairsOf, substituted, wordsOf, type Instruction } from './dockerfile.js';
import type { Stage } from './stage.js';

export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
  constructor(
    message: string,
    readonly code?: number,
  ) {
    super(message);
  }
}

const defaultShell = ['/bin/sh', '-c'];
export const shellOf = (config: ContainerConfig): readonly string[] => config.Shell ?? defaultShell;

/** A command in exec form, or in the stage's shell. */
export const commandOf = ({ json, rest }: Instruction, config: ContainerConfig): string[] =>
  json ? [...json] : [...shellOf(config), rest];

interface Change {
  readonly config: Partial<ContainerConfig>;
  /** As `docker history` shows it, after the keyword. */
  readonly shown: string;
}

type Step = (stage: Stage, instruction: Instruction) => Change;

const list = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;

const env: Step = (stage, { rest }) => {
  const pairs = pairsOf(rest).map(([key, value]): [string, string] => [key, substituted(value, stage.env)]);
  const names = new Set(pairs.map(([key]) => key));
  const kept = stage.config.Env.filter((line) => !names.has(line.slice(0, line.indexOf('='))));
  const added = pairs.map(([key, value]) => `${key}=${value}`);
  return { config: { Env: [...kept, ...added] }, shown: added.join(' ') };
};

const label: Step = (stage, { rest }) => {
  const pairs = pairsOf(substituted(rest, stage.env));
  const shown = pairs.map(([key, value]) => `${key}=${value}`).join(' ');
  return { config: { Labels: { ...stage.config.Labels, ...Object.fromEntries(pairs) } }, shown };
};

const expose: Step = (stage, { rest }) => {
  const ports = wordsOf(substituted(rest, stage.env)).map((port) =>
    port.includes('/') ? port : `${port}/tcp`,
  );
  const bad = ports.find((port) => !/^\d+(-\d+)?\/(tcp|udp|sctp)$/.test(port));
  if (bad) throw new BuildFailure(`invalid containerPort: ${bad.split('/')[0]}`);
  const exposed = Object.fromEntries(ports.map((port) => [port, {}]));
  return { config: { ExposedPorts: { ...stage.config.ExposedPorts, ...exposed } }, shown: ports.join(' ') };
};

const cmd: Step = (stage, instruction) => {
  const Cmd = commandOf(instruction, stage.config);
  return { config: { Cmd }, shown: list(Cmd) };
};

const entrypoint: Step = (stage, instruction) => {
  const Entrypoint = commandOf(instruction, stage.config);
  // An entrypoint of its own makes an inherited command meaningless.
  return { config: { Entrypoint, Cmd: null }, shown: list(Entrypoint) };
};

const user: Step = (stage, { rest }) => {
  const User = substituted(rest, stage.env);
  return { config: { User }, shown: User };
};

const volume: Step = (stage, { rest, json }) => {
  const paths = json ?? wordsOf(substituted(rest, stage.env));
  const Volumes = { ...stage.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  return { config: { Volumes }, shown: list(paths) };
};

const shell: Step = (_stage, { json }) => {
  if (!json) throw new BuildFailure('SHELL requires the arguments to be in JSON form');
  return { config: { Shell: json }, shown: list(json) };
};

const stopSignal: Step = (stage, { rest }) => {
  const StopSignal = substituted(rest, stage.env);
  return { config: { StopSignal }, shown: StopSignal };
};

const healthcheck: Step = (_stage, instruction) => {
  const [kind = '', ...words] = instruction.rest.split(/\s+/);
  const Test = kind.toUpperCase() === 'NONE' ? ['NONE'] : ['CMD-SHELL', words.join(' ')];
  return { config: { Healthcheck: { Test } }, shown: instruction.rest };
};

const onBuild: Step = (stage, { rest }) => ({
  config: { OnBuild: [...(stage.config.OnBuild ?? []), rest] },
  shown: rest,
});

const maintainer: Step = (_stage, { rest }) => ({ config: {}, shown: rest });

/** Steps that only change the configuration. */
export const configSteps: Readonly<Record<string, Step>> = {
  ENV: env,
  LABEL: label,
  EXPOSE: expose,
  CMD: cmd,
  ENTRYPOINT: entrypoint,
  USER: user,
  VOLUME: volume,
  SHELL: shell,
  STOPSIGNAL: stopSignal,
  HEALTHCHECK: healthcheck,
  ONBUILD: onBuild,
  MAINTAINER: maintainer,
};

export function workdirOf(stage: Stage, { rest }: Instruction): string {
  return normalPath(substituted(rest, stage.env), stage.config.WorkingDir || '/');
}

/** `--chown=user:group` by number or by the names of the stage. */
export function ownerOf(tree: FileTree, text: string | undefined): { uid: number; gid: number } {
  if (!text) return { uid: 0, gid: 0 };
  const [user = '', group = user] = text.split(':');
  const idIn = (file: string, name: string): number => {
    if (/^\d+$/.test(name)) return Number(name);
    const lines = tree.stat(file) ? tree.read(file).toString().split('\n') : [];
    const id = lines.find((line) => line.startsWith(`${name}:`))?.split(':')[2];
    if (id === undefined)
      throw new BuildFailure(
        `unable to convert uid/gid chown string to host mapping: can't find uid for user ${name}: no such user: ${name}`,
      );
    return Number(id);
  };
  return { uid: idIn('/etc/passwd', user), gid: idIn('/etc/group', group) };
}
