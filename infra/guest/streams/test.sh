#!/bin/sh
# test.sh [BINARY]: bellows-streams against a host and a daemon that misbehave, with UNIX sockets for the virtio
# port and the engine. Without BINARY it is compiled first. Needs perl, no root, no QEMU.
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM
if [ $# -gt 0 ]; then cp "$1" "$WORK/bellows-streams"; else
  cc -O2 -g -Wall -Wextra -Werror ${CFLAGS:-} -o "$WORK/bellows-streams" "$HERE/bellows-streams.c"
fi
perl "$HERE/test.pl" "$WORK"
