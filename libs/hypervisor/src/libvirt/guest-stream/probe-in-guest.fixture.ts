/**
 * User data that puts a `GuestProbe` in Perl where a guest's container engine listens. The engine is kept from
 * coming back.
 */
export const probeInGuest = `#!/bin/sh
for engine in dockerd containerd; do
  at=$(command -v $engine) && mv "$at" "$at.off"
  kill $(pidof $engine)
done
mkdir -p /run/probe
cat > /root/probe.pl <<'PERL'
use strict; use warnings;
use IO::Socket::UNIX; use Socket;
$SIG{CHLD} = 'IGNORE'; $SIG{PIPE} = 'IGNORE';
my $path = '/run/docker.sock';
my $wave = join('', map { chr } 0 .. 250) x 300;
sub pattern { my ($at, $bytes) = @_; substr($wave, $at % 251, $bytes > 65536 ? 65536 : $bytes) }
sub give { my ($to, $bytes) = @_; my $at = 0;
  while ($at < length $bytes) { my $n = syswrite($to, $bytes, length($bytes) - $at, $at) // return 0; $at += $n } 1 }
sub note { my ($key, $says) = @_; open my $out, '>', "/run/probe/$key.new"; print $out $says; close $out;
  rename "/run/probe/$key.new", "/run/probe/$key" }
sub check { my ($from) = @_; my ($at, $intact) = (0, 1);
  while (sysread($from, my $chunk, 65536)) {
    for (my $i = 0; $i < length $chunk; $i += 65536) {
      my $part = substr($chunk, $i, 65536);
      $intact &&= $part eq pattern($at, length $part); $at += length $part } }
  return ($at, $intact) }
sub serve { my ($c) = @_; my $line = '';
  while (substr($line, -1) ne "\\n") { sysread($c, $line, 1, length $line) or return }
  chomp $line; my ($what, $argument) = split / /, $line;
  if ($what eq 'echo') { while (sysread($c, my $chunk, 65536)) { give($c, $chunk) or return } }
  elsif ($what eq 'count') { my ($at, $intact) = check($c); give($c, "$at " . ($intact ? 'intact' : 'damaged') . "\\n") }
  elsif ($what eq 'give') { my $at = 0;
    while ($at < $argument) { my $part = pattern($at, $argument - $at); give($c, $part) or return; $at += length $part }
    shutdown($c, 1); 1 while sysread($c, my $rest, 65536) }
  elsif ($what eq 'listen') { shutdown($c, 1); my ($at) = check($c); note($argument, "$at ended") }
  elsif ($what eq 'hold') { note($argument, 'open'); 1 while sysread($c, my $rest, 65536); note($argument, 'closed') }
  else { my $says = 'none'; if (open my $in, '<', "/run/probe/$argument") { $says = <$in> } give($c, "$says\\n") }
}
for (;;) {
  unlink $path;
  my $server = IO::Socket::UNIX->new(Local => $path, Listen => 256) or die "listen: $!";
  while (my $client = $server->accept) {
    if (!fork) { close $server; serve($client); exit 0 }
    close $client;
  }
}
PERL
setsid perl /root/probe.pl > /root/probe.log 2>&1 < /dev/null &
`;
