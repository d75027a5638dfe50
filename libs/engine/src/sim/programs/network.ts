import type { Process, Program } from '../shell/process.js';
import { options } from './usage.js';

/** Only servers of the same modelled engine can be reached: there is no network behind it. */
async function fetched(process: Process, url: string): Promise<{ status: number; body: string } | string> {
  const parts = /^(?:http:\/\/)?([^/:]+)(?::(\d+))?(\/.*)?$/.exec(url);
  if (!parts) return `bad address '${url}'`;
  const [, host = '', port = '80', path = '/'] = parts;
  await process.step();
  if (process.machine.resolve(host) === null) return `bad address '${host}'`;
  const server = process.machine.reach(host, Number(port));
  return server ? server(path) : `can't connect to remote host (${host}): Connection refused`;
}

const wget: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'OT');
  const url = rest[0] ?? '';
  const answer = await fetched(process, url);
  if (typeof answer === 'string' || answer.status >= 400) {
    await process.err(
      `wget: ${typeof answer === 'string' ? answer : `server returned error: HTTP/1.1 ${answer.status}`}\n`,
    );
    return 1;
  }
  const to = flags.get('O') ?? (url.split('/').pop() || 'index.html');
  if (to === '-') await process.out(answer.body);
  else process.machine.tree.write(process.path(to), Buffer.from(answer.body));
  return 0;
};

const curl: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'oHXdm');
  const answer = await fetched(process, rest[0] ?? '');
  if (typeof answer === 'string') {
    const unknown = answer.startsWith('bad');
    if (!flags.has('s')) await process.err(`curl: (${unknown ? 6 : 7}) ${answer}\n`);
    return unknown ? 6 : 7;
  }
  if (flags.has('f') && answer.status >= 400) return 22;
  if (flags.has('I') || flags.has('i')) await process.out(`HTTP/1.1 ${answer.status}\r\n\r\n`);
  if (flags.has('o')) process.machine.tree.write(process.path(flags.get('o')!), Buffer.from(answer.body));
  else if (!flags.has('I')) await process.out(answer.body);
  return 0;
};

const ping: Program = async (process) => {
  const { flags, rest } = options(process.argv, 'cwW');
  const host = rest[0] ?? '';
  const address = process.machine.resolve(host);
  if (address === null) {
    await process.err(`ping: bad address '${host}'\n`);
    return 1;
  }
  await process.out(`PING ${host} (${address}): 56 data bytes\n`);
  const times = Number(flags.get('c') ?? Number.POSITIVE_INFINITY);
  for (let i = 0; i < times; i++) {
    if (i > 0) await process.sleep(1000);
    await process.out(`64 bytes from ${address}: seq=${i} ttl=64 time=0.1 ms\n`);
  }
  return 0;
};

const nslookup: Program = async (process) => {
  const address = process.machine.resolve(process.argv[1] ?? '');
  await process.out(
    address
      ? `Name:\t${process.argv[1]}\nAddress: ${address}\n`
      : `** server can't find ${process.argv[1]}: NXDOMAIN\n`,
  );
  return address ? 0 : 1;
};

/** Package managers say what they would do: there is nothing to fetch from. */
const packager =
  (verb: string): Program =>
  async (process) => {
    const [what = '', ...names] = options(process.argv).rest;
    await process.sleep(200);
    if (what === 'update') await process.out('(modelled) package lists are up to date\n');
    else if (what === verb || what === 'add') {
      for (const name of names)
        await process.out(`(modelled) ${name} counts as installed; nothing was fetched\n`);
      if (verb === 'install' && process.argv[0]!.includes('pip'))
        await process.out(`Successfully installed ${names.join(' ')}\n`);
    }
    return 0;
  };

/** `docker run hello-world`, in words that do not pretend. */
const hello: Program = async (process) => {
  await process.out(
    "\nHello from Docker!\nThis message shows that this instance's engine answers. The engine is the Bellows simulator:\nit made this container from a modelled image and ran a modelled program in it.\n\n",
  );
  return 0;
};

export const networkPrograms: readonly (readonly [string, Program])[] = [
  ['wget', wget],
  ['curl', curl],
  ['ping', ping],
  ['nslookup', nslookup],
  ['hello', hello],
  ['apt-get', packager('install')],
  ['apt', packager('install')],
  ['apk', packager('add')],
  ['pip', packager('install')],
  ['npm', packager('install')],
];
