import type { Engine } from '../engine.js';
import { FileTree } from '../files/file-tree.js';
import { Layer } from '../files/layer.js';
import { emptyConfig, imageOf, makeImage, type ContainerConfig, type Image } from '../images/image.js';

/** One `FROM` and what follows it: the image as it stands, and the names that `$` finds. */
export class Stage {
  readonly args = new Map<string, string>();

  constructor(
    readonly engine: Engine,
    readonly name: string,
    /** Null for `FROM scratch` with nothing after it yet. */
    public image: Image | null,
    readonly labels: Readonly<Record<string, string>>,
  ) {}

  get config(): ContainerConfig {
    return this.image?.json.config ?? emptyConfig;
  }

  get env(): Map<string, string> {
    const pairs = this.config.Env.map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    });
    return new Map([...this.args, ...pairs]);
  }

  /** A tree over the image's layers to work in. */
  tree(): FileTree {
    const { engine } = this;
    return new FileTree([...(this.image?.layers ?? [])].reverse(), new Layer(engine.quota), () =>
      engine.now(),
    );
  }

  /** A step that was done before from the same image, by the same instruction. */
  cached(createdBy: string): Image | null {
    if (!this.image) return null;
    const fits = (child: Image) => child.json.history.at(-1)?.created_by === createdBy;
    return this.engine.images.childrenOf(this.image.id).find(fits) ?? null;
  }

  /** The image after a step. A layer is given when the step may have changed files. */
  commit(createdBy: string, change: Partial<ContainerConfig>, layer: Layer | null): Image {
    const { engine, image } = this;
    const created = engine.now();
    const isEmpty = layer === null || layer.nodes.size === 0;
    const line = {
      created: new Date(created).toISOString(),
      created_by: createdBy,
      ...(isEmpty ? { empty_layer: true } : {}),
    };
    const made = makeImage({
      config: { ...this.config, ...change },
      layers: [...(image?.layers ?? []), ...(isEmpty ? [] : [engine.charge(layer)])],
      history: [...(image?.json.history ?? []), line],
      created,
      parent: image?.id ?? '',
      modelledBytes: image?.modelledBytes ?? 0,
    });
    this.image = engine.images.add(made);
    return this.image;
  }

  /** The labels of the request belong to the last step. */
  finish(): Image | null {
    if (!this.image || Object.keys(this.labels).length === 0) return this.image;
    const { json, layers, parent, modelledBytes } = this.image;
    const config = { ...json.config, Labels: { ...json.config.Labels, ...this.labels } };
    this.image = this.engine.images.add(imageOf({ ...json, config }, layers, { parent, modelledBytes }));
    return this.image;
  }
}
