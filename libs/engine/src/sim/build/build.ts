import type { Engine } from '../engine.js';
import { extractInto } from '../files/layer-tar.js';
import type { FileTree } from '../files/file-tree.js';
import { FsError, normalPath } from '../files/node.js';
import { unpacked } from '../files/tar-read.js';
import type { Image } from '../images/image.js';
import { parseReference } from '../images/reference.js';
import { pullImage } from '../images/transfer.js';
import { findImage, type Caller } from '../registry/found-image.js';
import { copySources, hashOf, MissingSource, sourcesIn } from './context.js';
import { instruction as parseInstruction, substituted, wordsOf, type Instruction } from './dockerfile.js';
import { runInTree } from './run-step.js';
import { BuildFailure, commandOf, configSteps, ownerOf, workdirOf } from './steps.js';
import { Stage } from './stage.js';

export interface BuildAsk {
  readonly context: FileTree;
  readonly instructions: readonly Instruction[];
  readonly args: ReadonlyMap<string, string>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string;
  readonly noCache: boolean;
  readonly pull: boolean;
  /** The client has left. */
  readonly gone: AbortSignal;
  /** For base images. */
  readonly caller: Caller;
}

/** The `stream` lines of the classic builder. */
export interface BuildVoice {
  say(text: string): Promise<void>;
  line(line: object): Promise<void>;
}

/** The classic builder: a step an instruction, an image a step. @throws BuildFailure, DockerError */
export class Build {
  private readonly stages: Stage[] = [];
  private readonly globalArgs = new Map<string, string>();
  private readonly used = new Set<string>();
  private step = 0;

  constructor(
    private readonly engine: Engine,
    private readonly ask: BuildAsk,
    private readonly voice: BuildVoice,
  ) {}

  async run(): Promise<Image> {
    const { instructions, target } = this.ask;
    for (const instruction of instructions) {
      if (this.ask.gone.aborted) throw new BuildFailure('context canceled');
      const next = instruction.keyword === 'FROM';
      if (next && target !== '' && this.stages.at(-1)?.name === target) break;
      await this.voice.say(`Step ${++this.step}/${instructions.length} : ${instruction.original}`);
      await this.voice.say('\n');
      await this.guarded(instruction);
    }
    if (target !== '' && !this.stages.some(({ name }) => name === target))
      throw new BuildFailure(`failed to reach build target ${target} in Dockerfile`);
    const image = this.stages.at(-1)?.finish();
    if (!image) throw new BuildFailure('No image was generated. Is your Dockerfile empty?');
    const unused = [...this.ask.args.keys()].filter(
      (name) => !this.used.has(name) && !predefinedArgs.has(name.toUpperCase()),
    );
    if (unused.length > 0)
      await this.voice.say(`[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n`);
    return image;
  }

  private async guarded(instruction: Instruction): Promise<void> {
    try {
      await this.perform(instruction);
    } catch (error) {
      if (error instanceof MissingSource)
        throw new BuildFailure(
          `${instruction.keyword} failed: file not found in build context or excluded by .dockerignore: stat ${error.message}: file does not exist`,
        );
      if (error instanceof FsError) throw new BuildFailure(`${error.path}: ${error.message.toLowerCase()}`);
      throw error;
    }
  }

  private async perform(instruction: Instruction): Promise<void> {
    const { keyword } = instruction;
    if (keyword === 'FROM') return this.from(instruction);
    if (keyword === 'ARG') return this.arg(instruction);
    const stage = this.stages.at(-1)!;
    if (keyword === 'RUN') return this.runStep(stage, instruction);
    if (keyword === 'COPY' || keyword === 'ADD') return this.copy(stage, instruction);
    if (keyword === 'WORKDIR') return this.workdir(stage, instruction);
    const { config, shown } = configSteps[keyword]!(stage, instruction);
    await this.settled(stage, `/bin/sh -c #(nop)  ${keyword} ${shown}`, async (by) =>
      stage.commit(by, config, null),
    );
  }

  private async from({ rest, flags }: Instruction): Promise<void> {
    const [named = '', as, stageName = ''] = substituted(rest, this.globalArgs).split(/\s+/);
    if (as !== undefined && as.toUpperCase() !== 'AS')
      throw new BuildFailure('FROM requires either one or three arguments');
    void flags;
    const name = stageName.toLowerCase() || String(this.stages.length);
    const earlier = this.stageNamed(named);
    const image = earlier ? earlier.image : named === 'scratch' ? null : await this.base(named);
    const stage = new Stage(this.engine, name, image, this.ask.labels);
    this.stages.push(stage);
    await this.voice.say(image ? ` ---> ${image.id.slice(7, 19)}\n` : ' ---> \n');
    for (const line of image?.json.config.OnBuild ?? []) await this.perform(parseInstruction(line, 0));
  }

  private stageNamed(text: string): Stage | undefined {
    return this.stages.find(({ name }) => name === text.toLowerCase());
  }

  private async base(name: string): Promise<Image> {
    const here = this.ask.pull ? null : this.engine.images.lookUp(name);
    if (here) return here;
    const reference = parseReference(name);
    return pullImage(
      this.engine,
      reference,
      (line) => this.voice.line(line),
      await findImage(this.engine, reference, this.ask.caller),
    );
  }

  private async arg({ rest }: Instruction): Promise<void> {
    const stage = this.stages.at(-1);
    for (const word of wordsOf(rest)) {
      const at = word.indexOf('=');
      const name = at < 0 ? word : word.slice(0, at);
      const before = stage?.env ?? this.globalArgs;
      const fallback = at < 0 ? this.globalArgs.get(name) : substituted(word.slice(at + 1), before);
      const value = this.ask.args.get(name) ?? fallback;
      this.used.add(name);
      if (value !== undefined) (stage?.args ?? this.globalArgs).set(name, value);
    }
    if (stage)
      await this.settled(stage, `/bin/sh -c #(nop)  ARG ${rest}`, async (by) => stage.commit(by, {}, null));
  }

  private async runStep(stage: Stage, instruction: Instruction): Promise<void> {
    const argv = commandOf(instruction, stage.config);
    const args = [...stage.args].map(([name, value]) => `${name}=${value}`);
    const by = `${args.length > 0 ? `|${args.length} ${args.join(' ')} ` : ''}${argv.join(' ')}`;
    await this.settled(stage, by, async () => {
      const tree = stage.tree();
      const container = this.engine.world.id().slice(0, 12);
      await this.voice.say(` ---> Running in ${container}\n`);
      const out = { write: (data: Buffer) => this.voice.say(data.toString()) };
      try {
        const code = await runInTree(stage, tree, argv, out, this.ask.gone);
        if (code !== 0)
          throw new BuildFailure(`The command '${argv.join(' ')}' returned a non-zero code: ${code}`, code);
        await this.voice.say(` ---> Removed intermediate container ${container}\n`);
        return stage.commit(by, {}, tree.upper);
      } finally {
        tree.upper.dispose();
      }
    });
  }

  private async copy(stage: Stage, instruction: Instruction): Promise<void> {
    const { keyword, json, rest, flags } = instruction;
    const words = (json ?? wordsOf(rest)).map((word) => substituted(word, stage.env));
    const target = words.pop() ?? '';
    if (words.length === 0)
      throw new BuildFailure(
        `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
      );
    if (words.length > 1 && !target.endsWith('/'))
      throw new BuildFailure(
        `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`,
      );
    if (words.some((word) => /^(https?|git):\/\//.test(word)))
      throw new BuildFailure(`${keyword} from a URL is not modelled by the Bellows simulator`);
    const from = flags.has('from') ? await this.treeOf(flags.get('from')!) : this.ask.context;
    const sources = sourcesIn(from, words);
    const owner = flags.get('chown');
    const by = `/bin/sh -c #(nop) ${keyword} ${owner ? `--chown=${owner} ` : ''}multi:${hashOf(from, sources)} in ${target} `;
    await this.settled(stage, by, async () => {
      const tree = stage.tree();
      const at = normalPath(target, stage.config.WorkingDir || '/') + (/(^|\/)\.?$/.test(target) ? '/' : '');
      const who = ownerOf(tree, owner);
      const archives = keyword === 'ADD' ? sources.filter(({ path }) => isArchive(from, path)) : [];
      for (const { path } of archives) {
        tree.mkdir(normalPath(at), { parents: true });
        extractInto(tree, normalPath(at), await unpacked(from.read(path)));
      }
      copySources(
        from,
        sources.filter((source) => !archives.includes(source)),
        tree,
        at.replace('//', '/'),
        who,
      );
      const image = stage.commit(by, {}, tree.upper);
      tree.upper.dispose();
      return image;
    });
  }

  /** What `COPY --from` names: a stage, its number, or an image. */
  private async treeOf(name: string): Promise<FileTree> {
    const stage = this.stageNamed(name) ?? this.stages[/^\d+$/.test(name) ? Number(name) : -1];
    if (stage === this.stages.at(-1))
      throw new BuildFailure(`invalid from flag value ${name}: refers to current build stage`);
    if (stage) return stage.tree();
    return new Stage(this.engine, '', await this.base(name), {}).tree();
  }

  private async workdir(stage: Stage, instruction: Instruction): Promise<void> {
    const WorkingDir = workdirOf(stage, instruction);
    await this.settled(stage, `/bin/sh -c #(nop) WORKDIR ${WorkingDir}`, async (by) => {
      const tree = stage.tree();
      if (!tree.stat(WorkingDir)) tree.mkdir(WorkingDir, { parents: true });
      const image = stage.commit(by, { WorkingDir }, tree.upper);
      tree.upper.dispose();
      return image;
    });
  }

  /** Takes the step from the cache, or does it; then says what image it ended in. */
  private async settled(stage: Stage, by: string, make: (by: string) => Promise<Image>): Promise<void> {
    const known = this.ask.noCache ? null : stage.cached(by);
    if (known) {
      await this.voice.say(' ---> Using cache\n');
      stage.image = known;
    } else await make(by);
    await this.voice.say(` ---> ${stage.image!.id.slice(7, 19)}\n`);
  }
}

const predefinedArgs = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']);

/** Tar archives, packed or not, are unpacked by ADD. */
function isArchive(tree: FileTree, path: string): boolean {
  const node = tree.stat(path);
  if (node?.kind !== 'file') return false;
  const gzip = node.data[0] === 0x1f && node.data[1] === 0x8b;
  return gzip || node.data.toString('latin1', 257, 262) === 'ustar';
}
