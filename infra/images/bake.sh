#!/bin/sh
# bake.sh FILE NAME:TAG…: one archive for `docker load`, with each layer in it once (the form `docker save` has since
# Docker 25: an OCI layout with a manifest.json beside it). The same images give the same bytes. For guests that
# should have images before they have a network. Needs skopeo, not root.
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
OUT=${OUT:-$HERE/out}
[ $# -gt 1 ] || { echo 'bake.sh FILE NAME:TAG…' >&2; exit 1; }
file=$1; shift
WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/bellows-bake.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM

blobs() { grep -o '"digest":"sha256:[0-9a-f]*"' | sed 's/.*sha256:\(.*\)"/blobs\/sha256\/\1/'; }

separator='['
for tag in "$@"; do
  skopeo --insecure-policy copy -q --preserve-digests "oci:$OUT/layout:$tag" "oci:$WORK:$tag"
  # the configuration first, then the layers, lowest first
  parts=$(skopeo inspect --raw "oci:$WORK:$tag" | blobs)
  printf '%s{"Config":"%s","RepoTags":["%s"],"Layers":[%s]}' "$separator" "$(echo "$parts" | head -n 1)" "$tag" \
    "$(echo "$parts" | tail -n +2 | sed 's/.*/"&"/' | paste -sd ,)" >> "$WORK/manifest.json"
  separator=,
done
echo ']' >> "$WORK/manifest.json"
tar -C "$WORK" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@0 -cf "$file.new" \
  manifest.json oci-layout index.json blobs
mv "$file.new" "$file"
