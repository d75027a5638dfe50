import type { GuestShell } from './guest-shell.js';

/** What a guest's owner may put in the place of the agent; `liar` says what suits it, the others answer in other ways. */
export type Play = 'liar' | 'silent' | 'endless' | 'huge' | 'deep' | 'garbage';

/** Plays what /run/play says, command by command; without that file it is the real agent. */
const script = String.raw`#!/usr/bin/perl
exec '/usr/sbin/qemu-ga.real', @ARGV unless -s '/run/play';
my ($path) = map { /^--path=(.*)/ ? $1 : () } @ARGV;
open my $port, '+<:raw', $path or die;
select $port; $| = 1;
my %lie = (
  'guest-get-vcpus' => '[' . join(',', map { "{\"logical-id\":$_,\"online\":true,\"can-offline\":true}" } 0 .. 63) . ']',
  'guest-set-vcpus' => 64,
  'guest-get-memory-block-info' => '{"size":1073741824}',
  'guest-get-memory-blocks' => '[' . join(',', map { "{\"phys-index\":$_,\"online\":true,\"can-offline\":true}" } 0 .. 1023) . ']',
);
while (my $line = <$port>) {
  open my $now, '<', '/run/play'; chomp(my $play = <$now>); close $now;
  open my $log, '>>', '/run/asked'; print $log $play, "\n"; close $log;
  if ($play eq 'silent') { next }
  if ($play eq 'garbage') { print $port join('', map { chr int rand 256 } 1 .. 200000), "\n"; next }
  my ($command) = $line =~ /"execute": *"([a-z-]+)"/;
  if ($line =~ /guest-sync.*"id": *(\d+)/) { print $port "{\"return\":$1}\n"; next }
  if ($play eq 'liar') { print $port '{"return":' . ($lie{$command} // '{}') . "}\n" }
  elsif ($play eq 'deep') { print $port '{"return":' . ('[' x 10000) . (']' x 10000) . "}\n" }
  elsif ($play eq 'huge') { print $port '{"return":"' . ('x' x 8000000) . '"}' . "\n" }
  elsif ($play eq 'endless') { while (1) { print $port 'x' x 1000000 } }
}
`;

export async function installHostileAgent(shell: GuestShell): Promise<void> {
  await shell.run(
    `cp -p /usr/sbin/qemu-ga /usr/sbin/qemu-ga.real && cat > /usr/sbin/qemu-ga.new <<'PERL' && chmod 755 /usr/sbin/qemu-ga.new && mv /usr/sbin/qemu-ga.new /usr/sbin/qemu-ga && sync
${script}PERL`,
  );
}

/** From now on; init starts whatever was killed again. */
export const play = (shell: GuestShell, what: Play): Promise<string> =>
  shell.run(
    `rm -f /run/asked; echo ${what} > /run/play; kill -9 $(pidof qemu-ga qemu-ga.real) 2>/dev/null; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q '^/usr/bin/perl /usr/sbin/qemu-ga' && kill -9 \${p#/proc/}; done; true`,
  );

/** How often the host asked since the play began. */
export const timesAsked = async (shell: GuestShell): Promise<number> =>
  Number(await shell.run('wc -l < /run/asked 2>/dev/null || echo 0'));
