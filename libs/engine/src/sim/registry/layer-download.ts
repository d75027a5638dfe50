import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { failure } from '../docker-error.js';
import type { Engine } from '../engine.js';
import { addEntry, layerFromTar, layerTar } from '../files/layer-tar.js';
import { Layer } from '../files/layer.js';
import { FsError } from '../files/node.js';
import { knowDiffId } from '../images/image.js';
import { sha256 } from '../world.js';
import { TarStream } from './tar-stream.js';

export interface LayerAsk {
  readonly digest: string;
  /** Bytes of the blob. */
  readonly size: number;
  readonly diffId: string;
  /** HOST/PATH it is fetched from. */
  readonly repository: string;
}

/** A layer whose archive is longer is kept as a sketch. */
export const wholeBytes = 16 * 1024 * 1024;
/** Of a sketch's small files. */
const sketchedBytes = 4 * 1024 * 1024;
/** Of all names of a layer. */
const mostPathBytes = 16 * 1024 * 1024;
/** What a layer may unpack to. */
export const unpackedBytes = 4 * 1024 * 1024 * 1024;

/**
 * Reads a layer's blob as it comes: checks both hashes, counts what it unpacks to, and keeps the whole of a small one
 * and a sketch of a large one. Memory stays bounded whatever comes. @throws DockerError as dockerd words it
 */
export async function readLayer(
  engine: Engine,
  answer: IncomingMessage,
  ask: LayerAsk,
  onBytes: (bytes: number) => void,
): Promise<Layer> {
  const inside = new Inside(engine);
  const outerHash = createHash('sha256');
  let bytes = 0;
  let unpack: Unpack | null = null;
  try {
    for await (const part of answer) {
      const chunk = part as Buffer;
      bytes += chunk.length;
      if (bytes > ask.size) break;
      outerHash.update(chunk);
      unpack ??= unpackOf(chunk, inside);
      await unpack.write(chunk);
      onBytes(bytes);
    }
  } catch (error) {
    unpack?.stop();
    inside.drop();
    if (error instanceof FsError) throw failure(`failed to register layer: ${error.message.toLowerCase()}`);
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || !answer.complete)
      throw failure('unexpected EOF');
    throw error;
  }
  if (bytes !== ask.size || `sha256:${outerHash.digest('hex')}` !== ask.digest) {
    unpack?.stop();
    inside.drop();
    throw failure(`filesystem layer verification failed for digest ${ask.digest}`);
  }
  try {
    await unpack?.end();
    return inside.layer(ask);
  } catch (error) {
    inside.drop();
    if (error instanceof FsError) throw failure(`failed to register layer: ${error.message.toLowerCase()}`);
    throw error;
  }
}

interface Unpack {
  write(chunk: Buffer): Promise<void>;
  end(): Promise<void>;
  stop(): void;
}

/** Gzip or a plain archive, as its first bytes say. */
function unpackOf(first: Buffer, inside: Inside): Unpack {
  if (first[0] !== 0x1f || first[1] !== 0x8b)
    return {
      write: (chunk) => Promise.resolve(inside.take(chunk)),
      end: () => Promise.resolve(inside.end()),
      stop: () => undefined,
    };
  const gunzip = createGunzip();
  gunzip.on('error', () => undefined);
  let broken: Error | null = null;
  const reading = (async () => {
    for await (const part of gunzip) inside.take(part as Buffer);
  })().catch((error: Error) => {
    broken = error;
    gunzip.destroy();
  });
  const check = () => {
    if (broken)
      throw 'code' in broken && String(broken.code).startsWith('Z_')
        ? failure(`failed to register layer: Error processing tar file(exit status 1): ${broken.message}`)
        : broken;
  };
  return {
    write: async (chunk) => {
      if (!gunzip.write(chunk))
        await Promise.race([new Promise<void>((resolve) => gunzip.once('drain', resolve)), reading]);
      check();
    },
    end: async () => {
      gunzip.end();
      await reading;
      check();
      inside.end();
    },
    stop: () => gunzip.destroy(),
  };
}

/** What is inside of the compression. */
class Inside {
  private readonly hash = createHash('sha256');
  /** Counted as it grows. */
  private readonly sketch: Layer;
  private sketchIsGone = false;
  private pathBytes = 0;
  private readonly tar: TarStream;
  private whole: Buffer[] | null = [];
  private bytes = 0;

  constructor(private readonly engine: Engine) {
    this.sketch = new Layer(engine.quota);
    this.tar = new TarStream((entry) => {
      this.pathBytes += entry.path.length;
      if (this.pathBytes > mostPathBytes) throw new FsError('ENOSPC', entry.path);
      addEntry(this.sketch, entry);
    }, sketchedBytes);
  }

  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > unpackedBytes) throw new FsError('ENOSPC', '/');
    this.hash.update(chunk);
    this.tar.write(chunk);
    if (this.bytes > wholeBytes) this.whole = null;
    this.whole?.push(chunk);
  }

  end(): void {
    this.tar.end();
  }

  /** Gives back what it held. */
  drop(): void {
    if (!this.sketchIsGone) this.sketch.dispose();
    this.sketchIsGone = true;
  }

  layer({ digest, size, diffId, repository }: LayerAsk): Layer {
    if (`sha256:${this.hash.digest('hex')}` !== diffId)
      throw failure("layers from manifest don't match image configuration");
    const layer = this.whole ? this.wholeLayer(Buffer.concat(this.whole), diffId) : this.sketchLayer();
    layer.blob = { digest, size, repository };
    knowDiffId(layer, diffId);
    return layer;
  }

  private wholeLayer(tar: Buffer, diffId: string): Layer {
    this.drop();
    const layer = this.engine.charge(layerFromTar(tar, null));
    // Not by its own memory of the hash: that is what is being found out.
    if (`sha256:${sha256(layerTar(layer))}` !== diffId) layer.keepOriginal(tar);
    return layer;
  }

  private sketchLayer(): Layer {
    this.sketch.sketchBytes = this.tar.fileBytes;
    this.sketchIsGone = true;
    return this.engine.adopt(this.sketch);
  }
}
