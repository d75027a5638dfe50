#!/bin/sh
# test.sh: what must hold of the images that build.sh made. Runs each in a root of its own (no container engine),
# pip and the tutorial's app in those with Python, and pushes to a registry of its own where Debian's is installed.
# Nothing leaves the network namespace it makes. Needs root.
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
export OUT="${OUT:-$HERE/out}"
[ "$(id -u)" = 0 ] || { echo 'test: must run as root' >&2; exit 1; }
[ "${BELLOWS_IMAGES_NS:-}" = 1 ] || exec env BELLOWS_IMAGES_NS=1 unshare -m -n --propagation private "$0" "$@"
ip link set lo up
WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/bellows-images-test.XXXXXX")
registry='' root=''
stop_app() { [ ! -s "$root/app/pid" ] || kill "$(cat "$root/app/pid")" 2>/dev/null || true; }
trap 'stop_app; [ -z "$registry" ] || kill "$registry"; umount -l "$WORK" 2>/dev/null || true; rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM
mount -t tmpfs -o size=2g,mode=755 bellows-images "$WORK"
. "$HERE/root.sh"

holds() { printf 'ok    %s\n' "$*"; }
fails() { printf 'FAIL  %s\n' "$*"; exit 1; }
field() { sed -n "s/^  \"$2\": \"\([^\"]*\)\".*/\1/p" "$OUT/$1.json"; }
raw() { skopeo inspect --raw "oci:$OUT/layout:$1"; }
parts() { raw "$1" | grep -o '"digest":"sha256:[0-9a-f]*"' | sed 's/.*sha256:\(.*\)"/\1/'; }
base=$(parts debian:12 | tail -n 1)

# --- what is stored ---------------------------------------------------------------------------------------
stored() { # NAME TAG
  [ "sha256:$(raw "$2" | sha256sum | cut -c 1-64)" = "$(field "$1" digest)" ] || fails "$2: its description has its digest"
  for blob in $(parts "$2"); do
    [ "$(sha256sum < "$OUT/layout/blobs/sha256/$blob")" = "$blob  -" ] || fails "$2: $blob is what it is called"
  done
  skopeo inspect --config "oci:$OUT/layout:$2" > "$WORK/config"
  for layer in $(parts "$2" | tail -n +2); do
    grep -q "$(gunzip -c "$OUT/layout/blobs/sha256/$layer" | sha256sum | cut -c 1-64)" "$WORK/config" ||
      fails "$2: $layer unpacked is what the configuration says"
  done
  for said in '"Cmd": \[' '"PATH=/usr/local/sbin:' 'image.version": "[0-9]' 'image.title": "[a-z]' 'bellows.source": "'; do
    grep -q "$said" "$WORK/config" || fails "$2: the configuration has $said"
  done
  holds "$2: digests, configuration"
}
for file in "$OUT"/*.json; do
  name=$(basename "$file" .json) first=$(field "$(basename "$file" .json)" tags | cut -d ' ' -f 1)
  stored "$name" "$first"
  for tag in $(field "$name" tags); do [ "$(raw "$tag")" = "$(raw "$first")" ] || fails "$tag is $first"; done
done
for tag in python:3.11 node:18; do
  [ "$(parts "$tag" | sed -n 2p)" = "$base" ] || fails "$tag stands on the layer of debian:12"
  holds "$tag stands on the layer of debian:12"
done

# --- what runs --------------------------------------------------------------------------------------------
unpacked() { root=$WORK/$1/rootfs; umoci unpack --image "$OUT/layout:$2" "$WORK/$1"; }
in_image() { in_root "$root" env PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 "$@"; }
says() { # WANTED COMMAND…: in the image that is unpacked
  wanted=$1; shift
  said=$(in_image "$@" 2>&1) || fails "$name: $* ($said)"
  case $said in *"$wanted"*) holds "$name: $*" ;; *) fails "$name: $* says $said" ;; esac
}
python() { # VERSION
  says "Python $1" python --version
  says "$1" python -c 'import ssl, sqlite3, ctypes, sys; print(sys.version)'
  mkdir "$root/app"
  cp -r "$HERE/../../docs/tutorial/app/." "$root/app"
  says 'Successfully installed hello-bellows' pip install --no-cache-dir --no-index --find-links app/wheelhouse -r app/requirements.txt
  in_image sh -c 'echo $$ > /app/pid; exec python -u /app/app.py' > "$WORK/app.log" 2>&1 &
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(perl -MIO::Socket::INET -e '
      my $s = IO::Socket::INET->new("127.0.0.1:8080") or exit 1;
      print $s "GET / HTTP/1.0\r\nhost: app\r\n\r\n"; print while <$s>') && break
    sleep 0.5
  done
  stop_app; wait "$!" || true
  case $answer in *'200 OK'*'"boot_id": "'*) holds "$name: the tutorial's app answers" ;; *) cat "$WORK/app.log"; fails "$name: the tutorial's app answers $answer" ;; esac
}
"$HERE/../../docs/tutorial/make-wheelhouse.sh" > /dev/null
for name in busybox debian-12 python-3.9 python-3.11 node-18; do
  unpacked "$name" "$(field "$name" tags | cut -d ' ' -f 1)"
  case $name in
    busybox) says hello sh -c 'echo hello | sed s/h/h/ | tail -n 1' ;;
    debian-12) says 12. cat /etc/debian_version; says apt apt-get --version; says '' dpkg --audit ;;
    python-3.9) python 3.9 ;;
    python-3.11) python 3.11 ;;
    node-18) says v18. node --version; says 'ok' node -e 'require("node:crypto").randomUUID(); fetch && console.log("ok")' ;;
  esac
  [ -z "$(find "$root/var/cache" "$root/usr/share/man" "$root/var/log" -type f 2>/dev/null | grep -v '/var/cache/debconf/')" ] ||
    fails "$name: no caches, manuals or logs"
  rm -rf "${WORK:?}/$name"
done

# --- what travels -------------------------------------------------------------------------------------------
for n in 1 2; do "$HERE/bake.sh" "$WORK/baked-$n" busybox:latest debian:12 python:3.11; done
cmp -s "$WORK/baked-1" "$WORK/baked-2" || fails 'two archives for docker load are the same'
skopeo inspect --config "docker-archive:$WORK/baked-1:python:3.11" > /dev/null || fails 'an archive for docker load can be read'
holds 'an archive for docker load: can be read, same bytes twice'

command -v docker-registry > /dev/null || { echo 'skip  docker-registry is not installed'; exit 0; }
cat > "$WORK/registry.yml" <<R
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $WORK/registry } }
http: { addr: 127.0.0.1:5000, secret: not-one }
R
docker-registry serve "$WORK/registry.yml" > "$WORK/registry.log" 2>&1 &
registry=$!
sleep 1
tags=$(for f in "$OUT"/*.json; do field "$(basename "$f" .json)" tags; done | wc -w)
[ "$("$HERE/seed.sh" http://127.0.0.1:5000 | grep -c sha256:)" = "$tags" ] || fails 'every tag is pushed'
[ "$("$HERE/seed.sh" http://127.0.0.1:5000 | grep -c 'is there')" = "$tags" ] || fails 'what is there is not pushed again'
skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5000/library/python:3.9 | cmp -s - "$OUT/layout/blobs/sha256/$(field python-3.9 digest | cut -d : -f 2)" ||
  fails 'the registry has what was built'
holds "the registry has all $tags tags, and what is there is not pushed again"
