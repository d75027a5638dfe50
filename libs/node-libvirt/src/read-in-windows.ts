import { Readable } from 'node:stream';

/**
 * A long read as a chain of short ones, each opened when the one before was read to its end. Opens the first at
 * once, so that what cannot be opened rejects here. A window that gives less than asked is the last.
 * @param open opens `[offsetBytes, offsetBytes + lengthBytes)`
 */
export const readInWindows = async (
  open: (offsetBytes: number, lengthBytes: number) => Promise<Readable>,
  offsetBytes: number,
  lengthBytes: number,
  windowBytes: number,
): Promise<Readable> => {
  const ask = (readBytes: number): number => Math.min(lengthBytes - readBytes, windowBytes);
  let window = await open(offsetBytes, ask(0));
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (let readBytes = 0; ;) {
      const asked = ask(readBytes);
      let got = 0;
      for await (const chunk of window as AsyncIterable<Buffer>) {
        got += chunk.length;
        yield chunk;
      }
      readBytes += got;
      if (got < asked || readBytes >= lengthBytes) return;
      window = await open(offsetBytes + readBytes, ask(readBytes));
    }
  };
  const whole = Readable.from(chunks(), { objectMode: false });
  // A generator that was never started cannot clean up.
  return whole.once('close', () => window.destroy());
};
