#!/usr/bin/perl
# The host's end of the protocol, and a daemon whose first line of input says how it is to behave. See test.sh.
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket;
use POSIX qw(WNOHANG _exit);
use Time::HiRes qw(time sleep);

my ($HELLO, $OPEN, $DATA, $CREDIT, $EOF, $RESET, $PING, $PONG) = 1 .. 8;
my $MAGIC = 'BELLOWS-STREAMS1';
my $WINDOW = 131_072;
my $work = $ARGV[0] or die "usage: test.pl FOLDER\n";
$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { die "took too long\n" };
alarm 60;
srand 42;
$| = 1;

# ----------------------------------------------------------------------------------------------- the daemon

sub whole { my ($to, $bytes) = @_; while (length $bytes) { my $n = syswrite $to, $bytes or return; substr($bytes, 0, $n) = '' } }

sub behave {
    my ($c) = @_;
    my ($line, $byte) = ('', '');
    $line .= $byte while $line !~ /\n/ && sysread $c, $byte, 1;
    if ($line =~ /^echo/) { while (sysread $c, my $bytes, 65536) { whole($c, $bytes) } }
    elsif ($line =~ /^sink/) { my $n = 0; while (my $got = sysread $c, my $bytes, 65536) { $n += $got } whole($c, $n) }
    elsif ($line =~ /^source (\d+)/) { my $n = $1; while ($n > 0) { my $size = $n < 65536 ? $n : 65536; whole($c, 'x' x $size); $n -= $size } }
    elsif ($line =~ /^early/) { whole($c, 'no thanks') }
    elsif ($line =~ /^stall/) { sleep 600 }
    elsif ($line =~ /^slow/) { for (my $left = 600_000; $left > 0;) { $left -= sysread($c, my $bytes, 65536) || last } sleep 600 }
}

my $daemon;
sub start_daemon {
    unlink "$work/docker";
    my $listen = IO::Socket::UNIX->new(Local => "$work/docker", Listen => 600) or die "listen: $!\n";
    $daemon = fork // die "fork: $!\n";
    return if $daemon;
    setpgrp;
    $SIG{CHLD} = 'IGNORE';
    $SIG{ALRM} = 'DEFAULT';
    alarm 150;
    while (1) {
        my $c = $listen->accept or next;
        next if fork;
        close $listen;
        behave($c);
        _exit(0);
    }
}
sub stop_daemon { kill 'KILL', -$daemon; waitpid $daemon, 0 }

# ------------------------------------------------------------------------------------------------- the host

my ($listen, $port, $buffer, $next, %got, %credit, %ended, %reset, %sent, $pong, $hello);

sub frame { my ($type, $id, $payload) = @_; $payload //= ''; return pack('CCnN', $type, 0, length $payload, $id) . $payload }
# A host goes on reading while it cannot write: else each end might wait for the other.
sub to_port {
    my ($bytes) = @_;
    while (length $bytes) {
        my ($in, $out) = ('', '');
        vec($in, fileno $port, 1) = vec($out, fileno $port, 1) = 1;
        select $in, $out, undef, undef;
        if (vec $in, fileno $port, 1) { sysread $port, $buffer, 262_144, length $buffer or die "the port was closed\n" }
        if (vec $out, fileno $port, 1) { substr($bytes, 0, syswrite($port, $bytes) // 0) = '' }
    }
}
sub say_ { to_port(frame(@_)) }

sub one_frame {
    return 0 if length $buffer < 8;
    my ($type, $zero, $length, $id) = unpack 'CCnN', $buffer;
    return 0 if length $buffer < 8 + $length;
    my $payload = substr $buffer, 8, $length;
    substr($buffer, 0, 8 + $length) = '';
    if ($type == $DATA) { $got{$id} .= $payload; $credit{$id} -= $length; die "more than was granted\n" if $credit{$id} < 0 }
    elsif ($type == $CREDIT) { $sent{$id} -= unpack 'N', $payload }
    elsif ($type == $EOF) { $ended{$id} = 1 }
    elsif ($type == $RESET) { $reset{$id} = 1 }
    elsif ($type == $PONG) { $pong = $payload }
    elsif ($type == $HELLO) { $hello = $payload }
    else { die "frame of type $type\n" }
    return 1;
}

# Reads until the condition holds; false after the seconds given.
sub until_ {
    my ($holds, $seconds) = @_;
    my $end = time + ($seconds // 10);
    1 while one_frame();
    until ($holds->()) {
        my $left = $end - time;
        my $bits = '';
        vec($bits, fileno $port, 1) = 1;
        return 0 if $left <= 0 || !select $bits, undef, undef, $left;
        sysread $port, $buffer, 262_144, length $buffer or die "the port was closed\n";
        1 while one_frame();
    }
    return 1;
}

sub greet {
    my $nonce = join '', map { chr int rand 256 } 1 .. 16;
    $buffer = '';
    (%got, %credit, %ended, %reset, %sent) = ();
    to_port(($_[0] // '') . frame($HELLO, 0, $MAGIC . $nonce));
    my $end = time + 5;
    while ((my $at = index $buffer, $MAGIC . $nonce) < 0) {
        die "no HELLO\n" if time > $end;
        my $bits = '';
        vec($bits, fileno $port, 1) = 1;
        next if !select $bits, undef, undef, 1;
        sysread $port, $buffer, 65536, length $buffer or die "the port was closed\n";
    }
    substr($buffer, 0, index($buffer, $MAGIC . $nonce) + 32) = '';
    $next = 1;
}

sub open_ { my $id = $next; $next += 2; ($got{$id}, $credit{$id}, $sent{$id}) = ('', $WINDOW, 0); say_($OPEN, $id, $_[0] // 'docker'); return $id }
sub grant { my ($id, $n) = @_; $credit{$id} += $n; say_($CREDIT, $id, pack 'N', $n) }
sub send_ { my ($id, $bytes) = @_; $sent{$id} += length $bytes; say_($DATA, $id, $bytes) }
sub accept_port { $port = $listen->accept or die "the program does not come: $!\n"; $port->blocking(0); $buffer = '' }

my ($failed, $guest) = (0);
sub ok { my ($what, $holds) = @_; print $holds ? 'ok' : 'NOT OK', " - $what\n"; $failed++ unless $holds }
sub echoes { my $id = open_(); send_($id, "echo\nhello"); say_($EOF, $id); return until_(sub { $ended{$id} }) && $got{$id} eq 'hello' }
sub ticks { open my $in, '<', "/proc/$guest/stat" or return -1; my @f = split ' ', <$in> =~ s/.*\) //r; return $f[11] + $f[12] }
sub rss_kib { open my $in, '<', "/proc/$guest/status"; my ($n) = join('', <$in>) =~ /VmRSS:\s+(\d+)/; return $n }
sub sockets { return scalar(() = glob "/proc/$guest/fd/*") }

$listen = IO::Socket::UNIX->new(Local => "$work/port", Listen => 1) or die "listen: $!\n";
start_daemon();
$guest = fork // die "fork: $!\n";
if (!$guest) { exec "$work/bellows-streams", '--port', "$work/port", '--docker', "$work/docker" or _exit(1) }
END { my $code = $?; kill 'KILL', $guest if $guest; stop_daemon() if $daemon; $? = $code }
accept_port();

ok('a program that starts says that it has no session', until_(sub { $reset{0} }));
greet(join '', map { chr int rand 256 } 1 .. 3000);
ok('a HELLO is found behind garbage', 1);
my $idle_fds = sockets();
ok('echo, ended from both sides', echoes());
say_($PING, 0, 'abcdefgh');
ok('PING is answered', until_(sub { ($pong // '') eq 'abcdefgh' }));
my $id = open_('nothing');
ok('an unknown target is RESET', until_(sub { $reset{$id} }));

# --- throughput
my $size = 30 * 1024 * 1024;
my $start = time;
$id = open_();
send_($id, "source $size\n");
my $seen = 0;
until_(sub { my $n = length $got{$id}; if ($n >= 32768) { $seen += $n; $got{$id} = ''; grant($id, $n) } $ended{$id} });
my $down = $size / 1e6 / (time - $start);
ok(sprintf('30 MiB from the daemon, %.0f MB/s', $down), $seen + length $got{$id} == $size && $down > 10);
say_($EOF, $id);
$start = time;
$id = open_();
send_($id, "sink\n");
my $widest = 0;
for (my $left = $size; $left > 0; $left -= 32768) {
    until_(sub { $sent{$id} + 32768 <= $WINDOW }) or last;
    $widest = $WINDOW - $sent{$id} if $widest < $WINDOW - $sent{$id};
    send_($id, 'y' x 32768);
}
say_($EOF, $id);
until_(sub { $ended{$id} });
my $up = $size / 1e6 / (time - $start);
ok(sprintf('30 MiB to the daemon, %.0f MB/s', $up), $got{$id} eq $size && $up > 10);
ok("a daemon that keeps up is sent more at once: $widest bytes", $widest > 2 * $WINDOW && $widest <= 8 * $WINDOW);

# --- credit, both ways
$id = open_();
send_($id, "source 1000000\n");
until_(sub { length $got{$id} >= $WINDOW });
until_(sub { 0 }, 0.3);
ok('no byte beyond the credit', length $got{$id} == $WINDOW);
grant($id, 1000);
until_(sub { 0 }, 0.3);
ok('credit is added up', length $got{$id} == $WINDOW + 1000);
my $stalled = open_();
send_($stalled, "stall\n");
for (1 .. 3) { send_($stalled, 'z' x 40_000) }
ok('a stalled daemon holds nobody else up', echoes());
my $before = ticks();
sleep 1;
ok('stalled and idle streams cost no CPU', ticks() - $before <= 1);
# the socket itself takes some; then there is what the window had been widened to meanwhile
for (1 .. 30) { send_($stalled, 'z' x 60_000) }
ok('more than was granted is a RESET', until_(sub { $reset{$stalled} }));
say_($RESET, $id);
say_($DATA, $id, 'late');
say_($EOF, 4_000_001);
ok('frames of unknown streams are ignored', echoes());

# --- many at once
my %want = map { my $n = open_(); ($n => join '', map { chr int rand 256 } 1 .. 60_000) } 1 .. 20;
send_($_, "echo\n") for keys %want;
for my $part (0 .. 59) { send_($_, substr $want{$_}, $part * 1000, 1000) for keys %want }
say_($EOF, $_) for keys %want;
until_(sub { !grep { !$ended{$_} } keys %want });
ok('20 streams keep their bytes apart', !grep { $got{$_} ne $want{$_} } keys %want);
$id = open_();
send_($id, "early\n");
for (1 .. 3) { send_($id, 'w' x 40_000); sleep 0.05 }
ok('an answer before the end of the question arrives', until_(sub { $ended{$id} }) && $got{$id} eq 'no thanks');
say_($EOF, $id);
$id = open_();
my $capture = frame($HELLO, 0, $MAGIC . 'n' x 16);
send_($id, "echo\n--$capture--");
say_($EOF, $id);
ok('a HELLO inside data is data', until_(sub { $ended{$id} }) && $got{$id} eq "--$capture--");

# --- what breaks the link
greet();
ok('a new HELLO drops all streams', (sleep(0.1), sockets() == $idle_fds)[1]);
my @all = map { open_() } 1 .. 512;
until_(sub { 0 }, 0.5);
my $beyond = open_();
ok('512 streams, and no more', until_(sub { $reset{$beyond} }) && !grep({ $reset{$_} } @all) && sockets() == $idle_fds + 512);
to_port("\x09garbage that is no frame");
ok('garbage drops all streams', until_(sub { $reset{0} }) && sockets() == $idle_fds);
greet();
ok('and a HELLO brings it back', echoes());
$id = open_();
to_port(substr frame($DATA, $id, 'q' x 5000), 0, 3000);
sleep 0.2;
greet();
ok('a HELLO after half a frame', echoes());
to_port("\0\0\0");
greet();
ok('a HELLO in what looks like a header', echoes());
for my $round (1 .. 300) {
    my $noise = frame(int rand 10, int rand 8, join '', map { chr int rand 256 } 1 .. int rand 60);
    substr($noise, int rand length $noise, 1) = chr int rand 256 if rand() < 0.3;
    to_port($noise x (1 + int rand 3));
    greet() if $round % 20 == 0;
}
sleep 0.2;
greet();
ok('noise of every kind', echoes());

# --- the other ends go away
$id = open_();
close $port;
accept_port();
greet();
ok('the port is opened again when it was gone', echoes() && sockets() == $idle_fds);
$id = open_();
send_($id, "echo\n");
sleep 0.2;
stop_daemon();
ok('a daemon that dies ends its streams', until_(sub { $ended{$id} || $reset{$id} }));
$id = open_();
ok('no daemon is a RESET', until_(sub { $reset{$id} }));
start_daemon();
ok('a daemon that came back is found', echoes());
for (1 .. 200) { my $n = open_(); send_($n, "stall\n"); send_($n, 'm' x 60_000); send_($n, 'm' x 60_000) }
greet();

# --- wider windows, of streams that have stopped reading since
my $wide = sub {
    my ($n) = open_();
    send_($n, "slow\n");
    for (1 .. 40) { until_(sub { $sent{$n} + 32768 <= $WINDOW }, 0.2) or last; send_($n, 'w' x 32768) }
    return $n;
};
my @wide = map { $wide->() } 1 .. 60;
until_(sub { 0 }, 0.5);
for my $n (@wide) { while ($sent{$n} < $WINDOW) { my $k = $WINDOW - $sent{$n}; $k = 60_000 if $k > 60_000; send_($n, 'v' x $k) } }
until_(sub { 0 }, 0.5);
ok(sprintf('60 streams with wide windows that are not read: %d KiB', rss_kib()), rss_kib() < (60 * 128 + 8192 + 4096) && !grep { $reset{$_} } @wide);
ok('and they hold nobody up', echoes());
greet();
ok(sprintf('memory after all this: %d KiB', rss_kib()), rss_kib() < 8192);
ok('it is still the same process', waitpid($guest, WNOHANG) == 0);
print $failed ? "$failed failed\n" : "all passed\n";
exit($failed ? 1 : 0);
