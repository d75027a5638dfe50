import { join, normalPath } from '../files/node.js';
import type { WebServer } from '../shell/machine.js';
import type { Process, Program } from '../shell/process.js';
import { rfc3339Nano } from '../world.js';

/** Waits for a signal that ends it. @returns the exit code. */
function untilSignalled(process: Process, codes: Readonly<Record<number, number>>): Promise<number> {
  return process.wait(
    new Promise<number>((resolve) => {
      for (const [signal, code] of Object.entries(codes))
        process.handlers.set(Number(signal), () => resolve(code));
    }),
  );
}

/** Serves the files of a directory; each request is logged. */
function fileServer(
  process: Process,
  root: string,
  log: (path: string, status: number) => string,
): WebServer {
  return (path) => {
    const { tree } = process.machine;
    const at = normalPath(join(root, normalPath(path.split('?')[0]!).slice(1)));
    const file = tree.isDir(at) && tree.stat(join(at, 'index.html')) ? join(at, 'index.html') : at;
    const node = tree.stat(file);
    const status = node ? 200 : 404;
    void process.out(log(path, status)).catch(() => undefined);
    if (node?.kind === 'file') return { status, body: node.data.toString() };
    if (node)
      return {
        status,
        body: tree
          .list(file)
          .map((name) => `<li><a href="${name}">${name}</a></li>\n`)
          .join(''),
      };
    return {
      status,
      body: '<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>\n',
    };
  };
}

const stamp = (process: Process): string =>
  rfc3339Nano(process.machine.clock.now()).slice(0, 19).replace('T', ' ').replaceAll('-', '/');

const nginx: Program = async (process) => {
  if (process.argv.includes('-v')) {
    await process.err('nginx version: nginx/1.27.0 (Bellows simulator)\n');
    return 0;
  }
  if (process.argv.includes('-t')) {
    await process.err('nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n');
    return 0;
  }
  const notice = (text: string) =>
    process.err(`${stamp(process)} [notice] ${process.pid}#${process.pid}: ${text}\n`);
  process.memory = 8 * 1024 * 1024;
  await notice('using the "epoll" event method');
  await notice('nginx/1.27.0 (Bellows simulator)');
  await notice('start worker processes');
  const log = (path: string, status: number) =>
    `172.17.0.1 - - [${stamp(process)}] "GET ${path} HTTP/1.1" ${status} - "-" "-" "-"\n`;
  const close = process.machine.listen(80, fileServer(process, '/usr/share/nginx/html', log));
  try {
    const code = await untilSignalled(process, { 2: 0, 3: 0, 15: 0 });
    await notice('exiting');
    return code;
  } finally {
    close();
  }
};

const httpServer = async (process: Process, port: number): Promise<number> => {
  process.memory = 16 * 1024 * 1024;
  const log = (path: string, status: number) =>
    `172.17.0.1 - - [${stamp(process)}] "GET ${path} HTTP/1.1" ${status} -\n`;
  await process.out(`Serving HTTP on 0.0.0.0 port ${port} (http://0.0.0.0:${port}/) ...\n`);
  const close = process.machine.listen(port, fileServer(process, process.cwd, log));
  try {
    const code = await untilSignalled(process, { 2: 0 });
    await process.out('\nKeyboard interrupt received, exiting.\n');
    return code;
  } finally {
    close();
  }
};

/** What a script's text says it would do: print its literal lines, and stay if it serves or loops. */
async function script(process: Process, text: string, prints: RegExp): Promise<number> {
  process.memory = 12 * 1024 * 1024;
  const serves = /serve_forever|HTTPServer|app\.run\(|run_app|uvicorn|flask|\.listen\(|createServer/i.test(
    text,
  );
  const loops = /while\s*\(?\s*(True|1|true)/.test(text);
  for (const [, , literal = ''] of text.matchAll(prints)) {
    await process.step();
    await process.out(`${literal.replace(/\\n/g, '\n').replace(/\\t/g, '\t')}\n`);
  }
  const leaves = /(?:sys\.exit|exit|process\.exit)\((\d+)\)/.exec(text);
  if (!serves && !loops) return leaves ? Number(leaves[1]) & 255 : 0;
  const port = Number(/(?:port\s*=\s*|,\s*|listen\(\s*)(\d{2,5})\b/.exec(text)?.[1] ?? 8000);
  const body =
    /(?:write\(b?|return |send\(|end\()(['"])((?:(?!\1).)*)\1/.exec(text)?.[2] ??
    'modelled by the Bellows simulator';
  const close = serves
    ? process.machine.listen(port, () => ({ status: 200, body: `${body.replace(/\\n/g, '\n')}` }))
    : () => undefined;
  if (serves) await process.out(` * Running on http://0.0.0.0:${port} (modelled)\n`);
  try {
    return await untilSignalled(process, { 2: 130 });
  } finally {
    close();
  }
}

const pythonPrints = /\bprint\(\s*f?(['"])((?:(?!\1).)*)\1/g;
const nodePrints = /\bconsole\.log\(\s*(['"`])((?:(?!\1).)*)\1/g;

const interpreter =
  (name: string, version: string, flag: string, prints: RegExp): Program =>
  async (process) => {
    const args = process.argv.slice(1).filter((word) => word !== '-u');
    if (['--version', '-V', '-v'].includes(args[0] ?? '')) {
      await process.out(`${version}\n`);
      return 0;
    }
    if (args[0] === '-m' && args[1] === 'http.server')
      return httpServer(process, Number(args.slice(2).find((word) => /^\d+$/.test(word)) ?? 8000));
    if (args[0] === '-m' && args[1] === 'pip') return process.wait(process.spawn(['pip', ...args.slice(2)]));
    if (args[0] === flag) return script(process, args[1] ?? '', prints);
    if (args[0] === undefined) {
      const text = (await process.wait(process.io.stdin.readAll())).toString();
      return script(process, text, prints);
    }
    const node = process.machine.tree.stat(process.path(args[0]));
    if (node?.kind === 'file') return script(process, node.data.toString(), prints);
    await process.err(
      `${name}: can't open file '${process.path(args[0])}': [Errno 2] No such file or directory\n`,
    );
    return 2;
  };

export const serverPrograms: readonly (readonly [string, Program])[] = [
  ['nginx', nginx],
  ['python3.9', interpreter('python', 'Python 3.9.19 (Bellows simulator)', '-c', pythonPrints)],
  ['python3.11', interpreter('python', 'Python 3.11.9 (Bellows simulator)', '-c', pythonPrints)],
  ['node', interpreter('node', 'v20.17.0', '-e', nodePrints)],
];
