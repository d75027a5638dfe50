#!/bin/sh
# build.sh [NAME…]: makes container images from Debian packages (default: all; NAME as in recipes/, or python:3.9),
# and puts them into one OCI layout, out/layout (or $OUT/layout), with a description each in out/NAME.json.
# Skips what is made already from the same inputs. Needs root; no container engine, no registry.
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
OUT=${OUT:-$HERE/out}
mkdir -p "$OUT"
OUT=$(CDPATH='' cd -- "$OUT" && pwd)
LAYOUT=$OUT/layout
say() { printf 'images: %s\n' "$*"; }
die() { printf 'images: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die 'must run as root'
# In a mount namespace of its own: what it mounts is gone when it is, and no other process sees it.
[ "${BELLOWS_IMAGES_NS:-}" = 1 ] || exec env BELLOWS_IMAGES_NS=1 unshare -m --propagation private "$0" "$@"

exec 9> "$OUT/.lock"
flock 9
need=
for p in mmdebstrap debian-archive-keyring umoci skopeo; do
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = 'ii ' ] || need="$need $p"
done
if [ -n "$need" ]; then
  say "packages:$need"
  apt-get update -qq || true
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need > /dev/null
fi

WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/bellows-images.XXXXXX")
other=
trap '[ -z "$other" ] || kill "$other" 2>/dev/null; umount -l "$WORK" 2>/dev/null; rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM
# dpkg syncs each file it unpacks; in memory that costs nothing.
[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -lt 4096 ] ||
  mount -t tmpfs -o size=3g,mode=755 bellows-images "$WORK" || true

. "$HERE/root.sh"

recipe() { # NAME: reads the recipe into variables
  FROM='' SUITE='' VARIANT=minbase PACKAGES='' VERSION_OF='' TAGS='' CMD='' ENV='' DESCRIPTION=''
  finish() { :; }
  [ -e "$HERE/recipes/$1" ] || die "no image called $1: $(ls "$HERE/recipes" | tr '\n' ' ')"
  . "$HERE/recipes/$1"
}

field() { sed -n "s/^  \"$2\": \"\([^\"]*\)\".*/\1/p" "$OUT/$1.json" 2>/dev/null; }

inputs() { # NAME: a hash of all that decides what the image is, but the mirror's packages of the day
  { cat "$HERE/build.sh" "$HERE/root.sh" "$HERE/recipes/$1"
    [ -z "$SUITE" ] || mirrors "$SUITE"
    [ -z "$FROM" ] || field "$FROM" digest
  } | sha256sum | cut -c 1-64
}

# --- one image ------------------------------------------------------------------------------------------
fresh_root() { # ROOT: a root file system from packages alone
  sources=$(mirrors "$SUITE")
  [ -n "$sources" ] || die "no mirror of Debian in /etc/apt/sources.list or sources.list.d"
  printf '%s\n' "$sources" | mmdebstrap --quiet --mode=root --variant="$VARIANT" --format=directory \
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='force-unsafe-io' \
    ${PACKAGES:+--include="$(echo "$PACKAGES" | tr -s ' ' ,)"} \
    --customize-hook="cp -a \"\$1/var/lib/apt/lists\" \"$WORK/lists-$SUITE\"" \
    "$SUITE" "$1" -
}

build() { # NAME
  recipe "$1"
  name=$1 dir=$WORK/$1 began=$(date +%s)
  hash=$(inputs "$name")
  [ "$(field "$name" recipe)" = "$hash" ] && [ -e "$LAYOUT/blobs/sha256/$(field "$name" digest | cut -d : -f 2)" ] &&
    { say "$name is up to date"; return; }
  say "$name"
  mkdir "$dir"
  image=$dir/layout:image
  if [ -n "$FROM" ]; then
    skopeo --insecure-policy copy -q "oci:$LAYOUT:$(field "$FROM" tags | cut -d ' ' -f 1)" "oci:$image"
  else
    umoci init --layout "$dir/layout"
    umoci new --image "$image"
  fi
  umoci unpack --image "$image" "$dir/bundle"
  root=$dir/bundle/rootfs
  : > "$dir/began" # what is newer than this file was made here, and not by who made a package
  if [ -n "$FROM" ]; then
    # shellcheck disable=SC2086
    add_packages "$root" "$WORK/lists-$SUITE" $PACKAGES
  else
    fresh_root "$root"
  fi
  VERSION=
  finish "$root"
  VERSION=${VERSION:-$(dpkg-query --admindir "$root/var/lib/dpkg" -W -f '${Version}' "$VERSION_OF")}
  clean "$root"
  EPOCH=$(settle_times "$root" "$dir/began")
  CREATED=$(date -u -d "@$EPOCH" +%Y-%m-%dT%H:%M:%SZ)
  umoci repack --image "$image" --history.created "$CREATED" --history.author Bellows \
    --history.created_by "Debian $SUITE: $PACKAGES" "$dir/bundle"
  configure
  (flock 8; publish "$(($(date +%s) - began))") 8> "$OUT/.layout.lock"
  rm -rf "$dir"
}

configure() {
  set -- --image "$image" --no-history --clear config.env --clear config.cmd --clear config.labels \
    --created "$CREATED" --author Bellows --os linux --architecture "$(dpkg --print-architecture)"
  for e in $ENV; do set -- "$@" --config.env "$e"; done
  for c in $CMD; do set -- "$@" --config.cmd "$c"; done
  umoci config "$@" \
    --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --config.label "org.opencontainers.image.title=${TAGS%%:*}" \
    --config.label "org.opencontainers.image.description=$DESCRIPTION" \
    --config.label "org.opencontainers.image.version=$VERSION" \
    ${FROM:+--config.label "org.opencontainers.image.base.name=library/$(field "$FROM" tags | cut -d ' ' -f 1)"} \
    --config.label "org.bellows.source=packages of Debian $SUITE, infra/images/recipes/$name"
}

publish() { # SECONDS: the image into the one layout, under all its tags, and its description
  for tag in $TAGS; do skopeo --insecure-policy copy -q --preserve-digests "oci:$image" "oci:$LAYOUT:$tag"; done
  skopeo inspect --raw "oci:$image" > "$dir/manifest"
  cat > "$dir/json" <<J
{
  "name": "$name",
  "tags": "$TAGS",
  "version": "$VERSION",
  "digest": "sha256:$(sha256sum "$dir/manifest" | cut -c 1-64)",
  "compressedBytes": $(tr '{,}' '\n\n\n' < "$dir/manifest" | awk -F: '/"size"/ { n += $2 } END { print n + 0 }'),
  "bytes": $(du -sb --exclude=./proc "$root" | cut -f 1),
  "buildSeconds": $1,
  "recipe": "$hash"
}
J
  mv "$dir/json" "$OUT/$name.json"
}

# --- all of them, two at a time: what stands on another after it ---------------------------------------------
[ $# -gt 0 ] || set -- $(ls "$HERE/recipes")
wanted=
for arg in "$@"; do
  name=$(echo "$arg" | tr : -)
  recipe "$name"
  [ -z "$FROM" ] || wanted="$wanted $FROM"
  wanted="$wanted $name"
done
first='' second='' later=''
for name in $(printf '%s\n' $wanted | awk '!seen[$0]++'); do
  recipe "$name"
  if [ -n "$FROM" ]; then later="$later $name"
  elif [ "$SUITE" = bookworm ] && [ "$VARIANT" = minbase ]; then first="$first $name"
  else second="$second $name"; fi
done
(for name in $second; do build "$name"; done) &
other=$!
for name in $first $later; do build "$name"; done
wait "$other" || { other=; die 'an image could not be made'; }
other=
[ ! -e "$LAYOUT/index.json" ] || umoci gc --layout "$LAYOUT" > /dev/null
