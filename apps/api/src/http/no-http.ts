import type { Duplex } from 'node:stream';
import { protocolProblem } from './problem.js';

const lingerMs = 5_000;

/** Bytes that are no HTTP request get a last word in HTTP, and the line is closed. */
export function answerNoHttp(error: { code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const [status, line] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request'];
  const body = JSON.stringify(protocolProblem(status, line, status === 408 ? 'timeout' : 'invalid'));
  socket.end(
    `HTTP/1.1 ${status} ${line}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // Half of a connection may stay open for as long as the other side likes.
  const late = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(late));
}
