import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Bytes handed over so far. */
  readonly onSent?: (bytes: number) => void;
  /** Milliseconds until the answer's head has to be there, counted from the end of the body. */
  readonly answerWithinMs?: number;
}

/** The registry could not be spoken to; the text is dockerd's, which is Go's `net/http`. */
export class LineError extends Error {
  override readonly name = 'LineError';
}

const answerWithinMs = 15_000;
/** Nothing at all moved for so long. */
const idleMs = 30_000;
const pieceBytes = 256 * 1024;

/** Single requests to one registry, over TLS with an authority of its own. */
export class RegistryLine {
  private readonly host: string;
  private readonly port: number;

  /** @param address HOST:PORT, where it is and by which name it is asked @param ca its authority, PEM */
  constructor(
    readonly address: string,
    private readonly ca: string,
  ) {
    const url = new URL(`https://${address}`);
    this.host = url.hostname.replace(/^\[|\]$/g, '');
    this.port = Number(url.port || 443);
  }

  /** Resolves with the answer's head. The caller reads its body or destroys it. @throws LineError */
  ask(asked: Asked, gone: AbortSignal): Promise<IncomingMessage> {
    const { host, port, ca } = this;
    const { method, path, body, onSent } = asked;
    const length = body ? { 'content-length': String(body.length) } : {};
    const headers = { host: this.address, 'user-agent': 'docker/26.1.5-sim', ...length, ...asked.headers };
    return new Promise((resolve, reject) => {
      const options = { host, port, ca, method, path, headers, agent: false as const, signal: gone };
      const call = request({ ...options, timeout: idleMs });
      const late = () => call.destroy(new Error('late'));
      let timer: NodeJS.Timeout | undefined;
      call.on('timeout', late);
      call.on('finish', () => (timer = setTimeout(late, asked.answerWithinMs ?? answerWithinMs)));
      call.on('response', (answer) => {
        clearTimeout(timer);
        answer.on('error', () => undefined);
        resolve(answer);
      });
      call.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(new LineError(`${goMethod(method)} "https://${this.address}${path}": ${this.goText(error)}`));
      });
      send(call, body, onSent);
    });
  }

  private goText({ code = '', message }: NodeJS.ErrnoException): string {
    const dial = `dial tcp ${this.host}:${this.port}`;
    if (code === 'ECONNREFUSED') return `${dial}: connect: connection refused`;
    if (code === 'EHOSTUNREACH') return `${dial}: connect: no route to host`;
    if (code === 'ECONNRESET') return 'EOF';
    if (code === 'ABORT_ERR') return 'context canceled';
    if (message === 'late')
      return 'net/http: request canceled (Client.Timeout exceeded while awaiting headers)';
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      return `tls: failed to verify certificate: x509: certificate is not valid for ${this.host}`;
    if (/CERT|SELF_SIGNED|ISSUER/.test(code))
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    return message;
  }
}

export const goMethod = (method: string): string => method[0]! + method.slice(1).toLowerCase();

/** In pieces, each when the one before has left. */
function send(call: ClientRequest, body: Buffer | undefined, onSent: ((bytes: number) => void) | undefined) {
  let at = 0;
  const next = () => {
    if (call.destroyed) return;
    if (!body || at >= body.length) return void call.end();
    const piece = body.subarray(at, at + pieceBytes);
    at += piece.length;
    call.write(piece, (error) => {
      if (error) return;
      onSent?.(at);
      next();
    });
  };
  next();
}

/** @throws LineError when it is longer than that, or breaks off */
export async function textOf(answer: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of answer) {
      size += (part as Buffer).length;
      if (size > mostBytes) break;
      parts.push(part as Buffer);
    }
  } catch {
    throw new LineError('unexpected EOF');
  }
  if (size > mostBytes) throw new LineError(`the registry's answer is longer than ${mostBytes} bytes`);
  if (!answer.complete) throw new LineError('unexpected EOF');
  return Buffer.concat(parts);
}
