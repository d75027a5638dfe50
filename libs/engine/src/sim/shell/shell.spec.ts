import { describe, expect, it } from '@jest/globals';
import { FileTree } from '../files/file-tree.js';
import { Layer } from '../files/layer.js';
import { catalogue } from '../images/catalogue.js';
import { programs } from '../programs/programs.js';
import { realClock } from '../simulated-engine.fixture.js';
import { findProgram } from './find-program.js';
import type { Machine } from './machine.js';
import { Bytes, Capture } from './pipes.js';
import { ProcessTable } from './process.js';

/** Runs a script in a fresh busybox. */
async function sh(script: string, input = ''): Promise<{ code: number; out: string; err: string }> {
  const layers = catalogue().get('busybox:latest')!.layers;
  const tree = new FileTree(layers, new Layer(), () => 0);
  const machine: Machine = {
    clock: realClock,
    tree,
    hostname: 'box',
    size: () => ({ vcpus: 4, ramMib: 512 }),
    memoryLimit: () => null,
    cpuLimit: () => null,
    onOom: () => undefined,
    mayFork: () => true,
    turnWaitMs: () => 0,
    listen: () => () => undefined,
    reach: () => null,
    resolve: () => null,
  };
  const [out, err] = [new Capture(), new Capture()];
  const io = { stdin: new Bytes(input), stdout: out, stderr: err, tty: null };
  const start = {
    argv: ['sh', '-c', script],
    env: new Map([
      ['HOME', '/root'],
      ['PATH', '/bin'],
    ]),
    cwd: '/',
    user: { uid: 0, gid: 0, name: 'root' },
    io,
  };
  const code = await new ProcessTable(machine, programs).run(0, start, findProgram(tree, 'sh', '/bin'));
  return { code, out: out.text(), err: err.text() };
}

describe('the modelled shell', () => {
  it.each([
    ['echo a b   c', 'a b c\n'],
    ['echo "a   b" \'$HOME\' $HOME', 'a   b $HOME /root\n'],
    ['x=1; x=$((x+41)); echo $x ${x} ${y:-none} ${#x}', '42 42 none 2\n'],
    ['f=/a/b.txt; echo ${f##*/} ${f%.txt} ${f#/a}', 'b.txt /a/b /b.txt\n'],
    ['true && echo yes || echo no; false && echo yes || echo no', 'yes\nno\n'],
    ['if [ -d /tmp ]; then echo dir; elif true; then echo b; else echo c; fi', 'dir\n'],
    ['for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done', '1\n3\n'],
    ['i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i', '3\n'],
    ['i=0; until [ $i -ge 2 ]; do i=$((i+1)); if [ $i = 1 ]; then break; fi; done; echo $i', '1\n'],
    ['case abc in x*) echo x;; a?c|y) echo found;; *) echo other;; esac', 'found\n'],
    ['greet() { echo "hi $1 $#"; return 3; }; greet you; echo $?', 'hi you 1\n3\n'],
    ['echo one > /tmp/f; echo two >> /tmp/f; cat < /tmp/f | wc -l', '2\n'],
    ['seq 1 100000 | head -n 2', '1\n2\n'],
    ['yes | head -c 4', 'y\ny\n'],
    ['echo $(echo in $(echo deep)) `echo tick`', 'in deep tick\n'],
    ['(cd /etc; pwd); pwd', '/etc\n/\n'],
    ['cat <<EOF\nline $((1+1))\nEOF\necho after', 'line 2\nafter\n'],
    ["cat <<'EOF'\n$HOME\nEOF", '$HOME\n'],
    ['cd /etc; echo host*; echo nothing*', 'host*\nnothing*\n'],
    ['cd /; echo /et?/pass*', '/etc/passwd\n'],
    ['set -- a "b c"; for w in "$@"; do echo "<$w>"; done', '<a>\n<b c>\n'],
    ['printf "%s-%03d\\n" a 7', 'a-007\n'],
    ['sleep 0.2 & sleep 0.1; wait; echo done', 'done\n'],
    ['echo hello | tr a-z A-Z | sed s/L/l/g | cut -c 1-4', 'HEll\n'],
    ['printf "b\\na\\nb\\n" | sort | uniq -c', '      1 a\n      2 b\n'],
    ['A=1 env | grep ^A=; echo ${A:-unset}', 'A=1\nunset\n'],
    ['echo "#!/bin/sh\necho script \\$1" > /tmp/s; chmod +x /tmp/s; /tmp/s arg', 'script arg\n'],
    ['trap "echo bye" EXIT; echo hi', 'hi\nbye\n'],
    ['nproc; hostname', '4\nbox\n'],
  ])('%s', async (script, out) => {
    expect(await sh(script)).toMatchObject({ out, err: '' });
  });

  it.each([
    ['nosuch', 127, 'sh: nosuch: not found\n'],
    ['exit 300', 44, ''],
    ['set -e; false; echo never', 1, ''],
    ['if true', 2, 'sh: syntax error: unexpected end of file (expecting "then")\n'],
    ['echo x > /nowhere/y', 1, "sh: can't create /nowhere/y: nonexistent directory\n"],
    ['cat /nothing', 1, 'cat: /nothing: No such file or directory\n'],
    ['f() { f; }; f', 2, 'sh: functions nested too deeply\n'],
    ['kill -9 $$; echo alive', 0, ''],
  ])('%s → %i', async (script, code, err) => {
    expect(await sh(script)).toMatchObject({ code, err });
  });

  it('reads lines, and leaves the rest to the next reader', async () => {
    expect((await sh('read a b; echo "$b/$a"; cat', 'one two three\nrest\n')).out).toBe(
      'two three/one\nrest\n',
    );
  });

  it.each([
    '$(('.repeat(2000),
    '('.repeat(5000),
    '{ '.repeat(5000),
    '"$('.repeat(3000),
    `echo ${'a'.repeat(300_000)}*`,
  ])('refuses what is nested or long beyond measure: %.12s…', async (script) => {
    expect((await sh(script)).code).not.toBe(0);
  });

  it('bounds what doubles itself', async () => {
    const { code } = await sh('x=aaaaaaaa; while true; do x="$x$x"; done');
    expect(code).toBe(2);
  });
});
