#!/bin/sh
# build.sh [NAME…]: builds guest images (default: all) from Debian packages into out/ (or $OUT), and the boot
# canary. Skips what is built already from the same inputs. Needs root, no loop device, no mount of images.
#   debian-12        systemd, openssh-server          debian-12-micro   busybox init, dropbear
#   canary           kernel and a one-line initrd that install.sh boots to see whether KVM works
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
OUT=${OUT:-$HERE/out}
mkdir -p "$OUT"
OUT=$(CDPATH='' cd -- "$OUT" && pwd)
SUITE=bookworm
ENGINE_SUITE=trixie # of the container engine alone, see common/etc/apt/preferences.d
SIZE_MIB=1536
[ $# -gt 0 ] || set -- debian-12-micro debian-12 canary
say() { printf 'build: %s\n' "$*"; }
die() { printf 'build: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die 'must run as root'

BASE_PACKAGES=linux-image-cloud-amd64,tiny-initramfs,initramfs-tools-,qemu-guest-agent,iproute2,kmod,e2fsprogs,fdisk,busybox-static,ca-certificates,iputils-ping,docker.io,crun,iptables
MICRO_PACKAGES='dropbear-bin'
DEBIAN_PACKAGES='systemd-sysv systemd-timesyncd libpam-systemd dbus udev openssh-server less nano-tiny docker-cli docker-buildx'

exec 9> "$OUT/.lock"
flock 9

# --- tools and mirror -----------------------------------------------------------------------------------
need=
for p in mmdebstrap grub-pc-bin grub-common e2fsprogs fdisk cpio zstd debian-archive-keyring gcc libc6-dev; do
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = 'ii ' ] || need="$need $p"
done
if [ -n "$need" ]; then
  say "packages:$need"
  apt-get update -qq || true
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need > /dev/null
fi
# This machine's own Debian mirrors of our suite, its updates and security, as one-line entries.
mirrors() {
  {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\)  *\([^ ]*\)  *\(.*main.*\)$/\2 \3/p'
    for f in /etc/apt/sources.list.d/*.sources; do
      [ -r "$f" ] || continue
      awk -v RS= '/(^|\n)Types:[^\n]*deb( |\n|$)/ && /(^|\n)Components:[^\n]*main/ {
        uris = suites = ""
        n = split($0, row, "\n")
        for (i = 1; i <= n; i++) {
          if (row[i] ~ /^URIs:/) { uris = row[i]; sub(/^URIs: */, "", uris) }
          if (row[i] ~ /^Suites:/) { suites = row[i]; sub(/^Suites: */, "", suites) }
        }
        u = split(uris, uri, " "); s = split(suites, suite, " ")
        for (i = 1; i <= u; i++) for (j = 1; j <= s; j++) print uri[i], suite[j]
      }' "$f"
    done
  } | awk -v s="$SUITE" '($2 == s || $2 == s "-updates" || $2 == s "-security") && !seen[$0]++ { print "deb", $1, $2, "main" }'
}
SOURCES=$(mirrors)
[ -n "$SOURCES" ] || die "no mirror of $SUITE in /etc/apt/sources.list or sources.list.d"
# A mirror of one release is a mirror of the next, under the same address.
SOURCES=$(printf '%s\n' "$SOURCES"; printf '%s\n' "$SOURCES" | sed "s/ $SUITE/ $ENGINE_SUITE/")

# --- what a build depends on ----------------------------------------------------------------------------
recipe_hash() { # FOLDER…: of the script, the sources and the folders' files with their modes
  { cat "$HERE/build.sh"; echo "$SOURCES"
    for d in "$@"; do (cd "$HERE" && find "$d" -type f | LC_ALL=C sort | while read -r f; do stat -c '%a %n' "$f"; cat "$f"; done); done
  } | sha256sum | cut -c 1-64
}
WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/bellows-guest.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM

# --- the base both images are made from -----------------------------------------------------------------
base() {
  inputs=$({ echo "$SUITE $BASE_PACKAGES $SOURCES"; cat "$HERE/common/etc/tiny-initramfs/tiny-initramfs.conf" "$HERE/common/etc/apt/preferences.d/bellows-engine"; } | sha256sum | cut -c 1-16)
  BASE=$OUT/.base-$inputs.tar
  [ -s "$BASE" ] && return
  rm -f "$OUT"/.base-*.tar
  say 'base (mmdebstrap)'
  printf '%s\n' "$SOURCES" | mmdebstrap --quiet --mode=root --variant=minbase --format=tar \
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/bin/containerd-shim' --dpkgopt='path-exclude=/usr/bin/containerd-shim-runc-v1' \
    --dpkgopt='path-exclude=/usr/bin/ctr' \
    --setup-hook="mkdir -p \"\$1/etc/apt/preferences.d\" && cp \"$HERE/common/etc/apt/preferences.d/bellows-engine\" \"\$1/etc/apt/preferences.d/\"" \
    --essential-hook="mkdir -p \"\$1/etc/tiny-initramfs\" && cp \"$HERE/common/etc/tiny-initramfs/tiny-initramfs.conf\" \"\$1/etc/tiny-initramfs/\"" \
    --include="$BASE_PACKAGES" "$SUITE" "$BASE.new" -
  mv "$BASE.new" "$BASE"
}

in_root() { # ROOT COMMAND…: with nothing of this machine but /proc and a null device
  root=$1; shift
  unshare -m sh -euc 'root=$1; shift; mount --make-rprivate /; mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    mknod -m 666 "$root/dev/null" c 1 3; mknod -m 666 "$root/dev/zero" c 1 5; mknod -m 444 "$root/dev/urandom" c 1 9
    mknod -m 444 "$root/dev/random" c 1 8; ln -s /proc/self/fd "$root/dev/fd"
    exec chroot "$root" "$@"' sh "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}

add_packages() { # ROOT PACKAGE…
  root=$1; shift
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  proxy=$(apt-config shell P Acquire::http::Proxy); eval "${proxy:-P=}"
  in_root "$root" apt-get -qq ${P:+-o "Acquire::http::Proxy=$P"} update
  in_root "$root" apt-get -qq -y --no-install-recommends ${P:+-o "Acquire::http::Proxy=$P"} install "$@" > "$WORK/apt.log" 2>&1 ||
    { cat "$WORK/apt.log" >&2; die 'apt-get install'; }
  in_root "$root" apt-get clean
  rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/*
}

# --- a root file system becomes a disk ------------------------------------------------------------------
streams() { # compiles the guest's end of the platform's streams, once, and sees it pass its test
  [ -e "$WORK/bellows-streams" ] && return
  gcc -O2 -Wall -Wextra -static -s -o "$WORK/bellows-streams.new" "$HERE/streams/bellows-streams.c"
  "$HERE/streams/test.sh" "$WORK/bellows-streams.new" > "$WORK/streams.log" 2>&1 || { cat "$WORK/streams.log" >&2; die 'bellows-streams'; }
  mv "$WORK/bellows-streams.new" "$WORK/bellows-streams"
}

common() { # ROOT: what both images have, and nothing that two instances may share
  root=$1
  cp -a "$HERE/common/." "$root/"
  streams
  cp "$WORK/bellows-streams" "$root/usr/lib/bellows/"
  ln -sf ../lib/bellows/bellows-init "$root/usr/sbin/bellows-init"
  mkdir -p "$root/boot/grub" "$root/etc/network"
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
  echo localhost > "$root/etc/hostname"
  rm -f "$root/etc/resolv.conf" "$root"/etc/ssh/ssh_host_* "$root/var/lib/systemd/random-seed" "$root/etc/machine-id"
  : > "$root/etc/machine-id"
  : > "$root/etc/resolv.conf"
  echo 'UUID=62656c6c-6f77-4000-8000-726f6f740001 / ext4 defaults,discard 0 0' > "$root/etc/fstab"
  in_root "$root" usermod -p '*' root
  find "$root/var/log" -type f -exec truncate -s 0 {} +
  rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/debconf/*-old "$root"/dev/* "$root"/tmp/* "$root"/var/tmp/*
  chown -R 0:0 "$root/usr/lib/bellows" "$root/etc/tiny-initramfs"
}

number_at() { # FILE OFFSET VALUE: a little-endian 64-bit number
  perl -e 'open my $f, "+<:raw", $ARGV[0] or die; seek $f, $ARGV[1], 0; print $f pack "Q<", $ARGV[2]' "$1" "$2" "$3"
}

# GPT: 1 is the root, last on the disk so that it can grow; 14 is where GRUB's second stage lies. GRUB is put in
# by hand, as grub-bios-setup would: the boot sector and the first sector of core.img say where core.img is.
disk() { # ROOT NAME
  root=$1 raw=$WORK/$2.raw fs=$WORK/$2.ext4
  grub-mkimage -O i386-pc -o "$WORK/core.img" -p '(hd0,gpt1)/boot/grub' biosdisk part_gpt ext2 configfile linux echo sleep normal serial
  mke2fs -q -t ext4 -L bellows-root -U 62656c6c-6f77-4000-8000-726f6f740001 -m 1 -E lazy_itable_init=1,nodiscard -O 64bit,metadata_csum -d "$root" "$fs" "$((SIZE_MIB - 5))M"
  truncate -s "${SIZE_MIB}M" "$raw"
  sfdisk -q "$raw" <<S
label: gpt
first-lba: 34
disk14 : start=2048, size=6144, type=21686148-6449-6E6F-744E-656564454649
disk1 : start=8192, size=$(((SIZE_MIB - 5) * 2048)), type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
S
  dd if="$fs" of="$raw" bs=1M seek=4 conv=notrunc,sparse status=none
  rm "$fs"
  cp /usr/lib/grub/i386-pc/boot.img "$WORK/boot.img"
  number_at "$WORK/boot.img" 92 2048
  number_at "$WORK/core.img" 500 2049
  dd if="$WORK/boot.img" of="$raw" bs=440 count=1 conv=notrunc status=none
  dd if="$WORK/core.img" of="$raw" bs=512 seek=2048 conv=notrunc status=none
}

manifest() { # NAME ROOT HASH MIN_RAM_MIB
  kernel=$(ls "$2/lib/modules")
  cat > "$WORK/$1.json" <<M
{
  "name": "$1",
  "format": "raw",
  "virtualSizeBytes": $(stat -c %s "$WORK/$1.raw"),
  "sha256": "$(sha256sum "$WORK/$1.raw" | cut -c 1-64)",
  "kernelVersion": "$kernel",
  "minDiskGib": 2,
  "minRamMib": $4,
  "defaultUser": "root",
  "recipe": "$3"
}
M
  mv "$WORK/$1.raw" "$OUT/$1.raw"
  mv "$WORK/$1.json" "$OUT/$1.json"
}

fresh() { # NAME HASH
  [ -e "$OUT/$1.raw" ] && grep -qs "\"recipe\": \"$2\"" "$OUT/$1.json" && say "$1 is up to date"
}

build_micro() {
  hash=$(recipe_hash common streams micro)
  fresh debian-12-micro "$hash" && return
  base; say debian-12-micro
  root=$WORK/micro; mkdir "$root"; tar -xf "$BASE" -C "$root"
  # shellcheck disable=SC2086
  add_packages "$root" $MICRO_PACKAGES
  common "$root"
  cp -a "$HERE/micro/." "$root/"
  chown -R 0:0 "$root/usr/lib/bellows" "$root/etc/acpi" "$root/etc/inittab"
  ln -sf ../bin/busybox "$root/usr/sbin/init"
  # the applets that Debian's own packages in the image do not bring (ps, free, vi, wget, …)
  for a in $("$root/usr/bin/busybox" --list); do
    [ -e "$root/usr/bin/$a" ] || [ -e "$root/usr/sbin/$a" ] || ln -s busybox "$root/usr/bin/$a"
  done
  for a in shutdown poweroff reboot halt; do rm -f "$root/usr/bin/$a"; ln -sf ../lib/bellows/halt "$root/usr/sbin/$a"; done
  disk "$root" debian-12-micro
  manifest debian-12-micro "$root" "$hash" 192
  rm -rf "$root"
}

build_debian() {
  hash=$(recipe_hash common streams debian-12)
  fresh debian-12 "$hash" && return
  base; say debian-12
  root=$WORK/debian; mkdir "$root"; tar -xf "$BASE" -C "$root"
  # shellcheck disable=SC2086
  add_packages "$root" $DEBIAN_PACKAGES
  common "$root"
  cp -a "$HERE/debian-12/." "$root/"
  chown -R 0:0 "$root/etc/systemd" "$root/etc/udev" "$root/etc/ssh"
  in_root "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    fstrim.timer motd-news.timer e2scrub_reap.service systemd-network-generator.service systemd-pstore.service \
    getty@tty1.service systemd-hwdb-update.service systemd-firstboot.service systemd-sysusers.service \
    ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service systemd-binfmt.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount modprobe@drm.service modprobe@fuse.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-journal-flush.service \
    modprobe@configfs.service modprobe@dm_mod.service modprobe@loop.service modprobe@efi_pstore.service
  in_root "$root" systemctl -q enable ssh.service bellows-streams.service bellows-final.service qemu-guest-agent.service serial-getty@ttyS0.service
  # no /var/log/journal: the journal stays in memory until the owner makes that folder (journald.conf(5), Storage=auto)
  rm -rf "$root/var/log/journal"
  ln -sf multi-user.target "$root/lib/systemd/system/default.target"
  disk "$root" debian-12
  manifest debian-12 "$root" "$hash" 384
  rm -rf "$root"
}

build_canary() {
  hash=$(recipe_hash canary)
  [ -e "$OUT/canary.initrd" ] && [ "$(cat "$OUT/canary.hash" 2>/dev/null)" = "$hash" ] && { say 'canary is up to date'; return; }
  base; say canary
  root=$WORK/canary; mkdir -p "$root/from" "$root/initrd"
  tar -xf "$BASE" -C "$root/from" --wildcards './boot/vmlinuz-*' ./usr/bin/busybox
  cp "$root/from/usr/bin/busybox" "$HERE/canary/init" "$root/initrd/"
  chmod 755 "$root/initrd/init"
  (cd "$root/initrd" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet | gzip -n1) > "$OUT/canary.initrd"
  cp "$root/from/boot"/vmlinuz-* "$OUT/canary.vmlinuz"
  echo "$hash" > "$OUT/canary.hash"
  rm -rf "$root"
}

for name in "$@"; do
  case $name in
    debian-12-micro) build_micro ;;
    debian-12) build_debian ;;
    canary) build_canary ;;
    *) die "no image called $name" ;;
  esac
done
