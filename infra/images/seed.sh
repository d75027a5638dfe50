#!/bin/sh
# seed.sh [--cacert FILE] REGISTRY_URL…: pushes what build.sh made as library/NAME:TAG, and leaves out what is there
# already by digest. REGISTRY_URL is http://HOST:PORT or https://HOST:PORT.
# The token of an admin comes from $BELLOWS_ADMIN_TOKEN, or the file $BELLOWS_ADMIN_TOKEN_FILE, or
# $BELLOWS_HOME/admin-token; without one it asks as nobody. Needs skopeo, not root.
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
OUT=${OUT:-$HERE/out}
die() { printf 'seed: %s\n' "$*" >&2; exit 1; }
WORK=$(mktemp -d "${TMPDIR:-/tmp}/bellows-seed.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM

mkdir "$WORK/certs"
if [ "${1:-}" = --cacert ]; then cp "$2" "$WORK/certs/ca.crt"; shift 2; fi
[ $# -gt 0 ] || die 'seed.sh [--cacert FILE] REGISTRY_URL…'
ls "$OUT"/*.json > /dev/null 2>&1 || die "nothing in $OUT: build.sh makes it"

token() {
  if [ -n "${BELLOWS_ADMIN_TOKEN:-}" ]; then printf %s "$BELLOWS_ADMIN_TOKEN"
  elif [ -n "${BELLOWS_ADMIN_TOKEN_FILE:-}" ]; then tr -d '\n' < "$BELLOWS_ADMIN_TOKEN_FILE"
  elif [ -n "${BELLOWS_HOME:-}" ] && [ -r "$BELLOWS_HOME/admin-token" ]; then tr -d '\n' < "$BELLOWS_HOME/admin-token"
  fi
}

# The token goes into a file that only we can read; a command line can be read by every user of the machine.
sign_in() { # HOST:PORT
  secret=$(token)
  [ -n "$secret" ] || { echo '{"auths": {}}' > "$WORK/auth.json"; return; }
  (umask 077; printf '{"auths": {"%s": {"auth": "%s"}}}\n' "$1" "$(printf 'bellows:%s' "$secret" | base64 -w 0)" > "$WORK/auth.json")
}

field() { sed -n "s/^  \"$2\": \"\([^\"]*\)\".*/\1/p" "$1"; }

seed() { # HOST:PORT TLS_VERIFY TAG DIGEST
  there=$(skopeo inspect --raw --authfile "$WORK/auth.json" --cert-dir "$WORK/certs" --tls-verify="$2" \
    "docker://$1/library/$3" 2>/dev/null | sha256sum | cut -c 1-64)
  if [ "sha256:$there" = "$4" ]; then printf 'seed: library/%s is there\n' "$3"; return; fi
  skopeo --insecure-policy copy -q --preserve-digests --dest-authfile "$WORK/auth.json" --dest-cert-dir "$WORK/certs" \
    --dest-tls-verify="$2" "oci:$OUT/layout:$3" "docker://$1/library/$3"
  printf 'seed: library/%s %s\n' "$3" "$4"
}

for url in "$@"; do
  case $url in
    http://*) verify=false ;;
    https://*) verify=true ;;
    *) die "$url is neither http:// nor https://" ;;
  esac
  host=${url#*://}
  host=${host%/}
  sign_in "$host"
  for image in "$OUT"/*.json; do
    for tag in $(field "$image" tags); do seed "$host" "$verify" "$tag" "$(field "$image" digest)"; done
  done
done
