#!/bin/sh
# Makes a Debian 12 server a Bellows host: packages, libvirt's settings, bridge, firewall, hook, storage pool
# and guest images. Run it again at any time: it changes only what differs. See README.md beside it.
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
GUEST=$HERE/../guest
PRIVATE_CIDR=${BELLOWS_PRIVATE_CIDR:-10.77.0.0/16}
UPLINK=${BELLOWS_UPLINK:-}
REGISTRY_PORT=${BELLOWS_REGISTRY_PORT:-5000}
IMAGES_DIR=${BELLOWS_IMAGES_DIR:-$GUEST/out}
IMAGES=${BELLOWS_IMAGES:-debian-12-micro debian-12}
POOL=bellows
POOL_DIR=/var/lib/bellows/images
BRIDGE=bellows0
TAP_PREFIX=bt
WITH_IMAGES=1
# Beyond the guest's own memory, what QEMU may hold; measured, see README.md, "What a guest costs".
OVERHEAD_TCG_MIB=${BELLOWS_GUEST_OVERHEAD_MIB:-384}
OVERHEAD_KVM_MIB=${BELLOWS_GUEST_OVERHEAD_MIB:-256}

usage() {
  cat <<'U'
usage: install.sh [--private-cidr CIDR] [--uplink IFACE] [--registry-port PORT] [--images DIR] [--no-images]
  --private-cidr  network of the guests' private addresses, /8 to /28; the first is the gateway (10.77.0.0/16)
  --uplink        interface on which public addresses are answered (default: that of the default route)
  --registry-port port of the gateway at which guests reach the cloud's registry (5000)
  --images        folder with built images, built there by infra/guest/build.sh if missing
  --no-images     do not build or upload guest images
U
}
while [ $# -gt 0 ]; do
  case $1 in
    --private-cidr) PRIVATE_CIDR=${2:?}; shift ;;
    --uplink) UPLINK=${2:?}; shift ;;
    --registry-port) REGISTRY_PORT=${2:?}; shift ;;
    --images) IMAGES_DIR=${2:?}; shift ;;
    --no-images) WITH_IMAGES=0 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
say() { printf 'install: %s\n' "$*"; }
die() { printf 'install: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die 'must run as root'

# --- settings -------------------------------------------------------------------------------------------
# The first address of the network is the gateway. Refuses what is no network address.
GATEWAY=$(printf %s "$PRIVATE_CIDR" | awk -F'[./]' '
  NF == 5 && $0 ~ /^[0-9.]+\/[0-9]+$/ && $1 < 256 && $2 < 256 && $3 < 256 && $4 < 256 && $5 >= 8 && $5 <= 28 {
    n = (($1 * 256 + $2) * 256 + $3) * 256 + $4
    if (n % 2 ^ (32 - $5)) exit
    print $1 "." $2 "." $3 "." ($4 + 1)
  }')
[ -n "$GATEWAY" ] || die "--private-cidr $PRIVATE_CIDR is not a network of /8 to /28"
PREFIX=${PRIVATE_CIDR#*/}
[ -n "$UPLINK" ] || UPLINK=$(ip -4 route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
case $UPLINK in *[!A-Za-z0-9_.-]*) die "--uplink $UPLINK is not an interface name" ;; esac
case $REGISTRY_PORT in '' | 0* | *[!0-9]* | ??????*) die "--registry-port $REGISTRY_PORT is not a port" ;; esac

# --- packages -------------------------------------------------------------------------------------------
PACKAGES='qemu-system-x86 qemu-utils libvirt-daemon libvirt-daemon-system libvirt-clients
  libvirt-daemon-driver-qemu seabios ipxe-qemu nftables iproute2 python3-minimal procps kmod'
missing() { # the packages among $* that are not installed
  for p in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = 'ii ' ] || printf '%s ' "$p"
  done
}
# shellcheck disable=SC2086
install_packages() {
  need=$(missing $1)
  [ -n "$need" ] || return 0
  say "packages: $need"
  apt-get update -qq || say 'apt-get update failed; trying with the lists that are there'
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need > /dev/null
}
install_packages "$PACKAGES"
# Bellows starts a registry of its own; the package's service would keep one without any login on the same port.
if [ -n "$(missing docker-registry)" ]; then
  install_packages docker-registry
  if [ -d /run/systemd/system ]; then systemctl disable -q --now docker-registry.service; fi
fi

# --- files ----------------------------------------------------------------------------------------------
CHANGED=
put() { # FILE MODE: stdin becomes FILE if it differs; notes the change
  mkdir -p "$(dirname "$1")"
  cat > "$1.new"
  chmod "$2" "$1.new"
  if cmp -s "$1.new" "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then rm "$1.new"; else
    mv "$1.new" "$1"; CHANGED="$CHANGED $1"
  fi
}
managed() { # FILE: put stdin into FILE between our marks, keeping what the operator wrote around them
  touch "$1"
  { sed '/^# BEGIN bellows/,/^# END bellows/d' "$1"; echo '# BEGIN bellows'; cat; echo '# END bellows'; } | put "$1" 644
}

put /usr/local/sbin/bellows-host 755 < "$HERE/bellows-host"
put /usr/local/lib/bellows/base.nft 644 < "$HERE/base.nft"
put /etc/libvirt/hooks/qemu.d/bellows 755 < "$HERE/hooks/qemu-bellows"
[ -e /etc/bellows/bridge-mac ] || {
  mkdir -p /etc/bellows
  od -An -N4 -tx1 /dev/urandom | awk '{ print "52:55:" $1 ":" $2 ":" $3 ":" $4 }' > /etc/bellows/bridge-mac
}
put /etc/bellows/host.env 644 <<C
BRIDGE=$BRIDGE
BRIDGE_MAC=$(cat /etc/bellows/bridge-mac)
TAP_PREFIX=$TAP_PREFIX
PRIVATE_CIDR=$PRIVATE_CIDR
PRIVATE_GATEWAY=$GATEWAY
PRIVATE_PREFIX=$PREFIX
UPLINK=$UPLINK
REGISTRY_PORT=$REGISTRY_PORT
C

# Where AppArmor is on, libvirt confines each QEMU by it; where it is not, asking for it fails every start.
if grep -qs Y /sys/module/apparmor/parameters/enabled && command -v apparmor_parser >/dev/null; then
  SECURITY=apparmor
else
  SECURITY=none
fi
managed /etc/libvirt/qemu.conf <<C
user = "libvirt-qemu"
group = "kvm"
dynamic_ownership = 1
# Extended attributes of the trusted kind are not there on every file system that may hold the images.
remember_owner = 0
security_driver = "$SECURITY"
cgroup_controllers = [ "cpu", "cpuacct", "cpuset", "memory", "devices" ]
# Consoles go through virtlogd, which caps and turns the files: a guest cannot fill the disk.
stdio_handler = "logd"
set_process_name = 1
C
managed /etc/libvirt/virtlogd.conf <<'C'
max_size = 1048576
max_backups = 2
C
managed /etc/libvirt/libvirtd.conf <<'C'
unix_sock_group = "libvirt"
unix_sock_ro_perms = "0770"
unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
# A call that a stalled guest holds up must not take the last worker from the others.
max_clients = 5000
max_workers = 40
prio_workers = 10
max_client_requests = 50
log_level = 3
C

# --- start ----------------------------------------------------------------------------------------------
if [ -d /run/systemd/system ]; then
  put /etc/systemd/system/bellows-host.service 644 <<'C'
[Unit]
Description=Bridge and firewall of a Bellows host
Before=libvirtd.service
After=network.target nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/bellows-host network

[Install]
WantedBy=multi-user.target libvirtd.service
C
  systemctl daemon-reload
  systemctl enable -q bellows-host.service
fi
restart_needed() {
  for f in $CHANGED; do case $f in /etc/libvirt/*) return 0 ;; esac; done
  return 1
}
# libvirtd reads its settings, and looks for hooks, only when it starts; guests outlive its restart.
restart_needed && virsh -q -c qemu:///system version >/dev/null 2>&1 && {
  say 'settings changed: restarting libvirtd'
  /usr/local/sbin/bellows-host stop
  n=0; while pgrep -x libvirtd >/dev/null && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
}
/usr/local/sbin/bellows-host start

# --- storage --------------------------------------------------------------------------------------------
V='virsh -q -c qemu:///system'
$V pool-info $POOL >/dev/null 2>&1 || {
  say "storage pool $POOL in $POOL_DIR"
  $V pool-define-as $POOL dir --target $POOL_DIR
  $V pool-build $POOL
}
$V pool-autostart $POOL
$V pool-info $POOL | grep -q '^State: *running' || $V pool-start $POOL
chmod 711 /var/lib/bellows $POOL_DIR

upload() { # NAME: into the pool as image-NAME.raw, complete or not at all
  raw=$IMAGES_DIR/$1.raw; manifest=$IMAGES_DIR/$1.json; there=$POOL_DIR/image-$1
  cmp -s "$manifest" "$there.json" && [ -e "$there.raw" ] && return 0
  say "image $1"
  cp --sparse=always "$raw" "$there.raw.new"
  chmod 644 "$there.raw.new"
  mv "$there.raw.new" "$there.raw"
  cp "$manifest" "$there.json"
}
if [ $WITH_IMAGES = 1 ]; then
  # shellcheck disable=SC2086
  OUT=$IMAGES_DIR "$GUEST/build.sh" $IMAGES canary
  for image in $IMAGES; do upload "$image"; done
fi
$V pool-refresh $POOL

# --- KVM or TCG -----------------------------------------------------------------------------------------
# A /dev/kvm that opens proves nothing: on some nested hosts no kernel gets past its first page tables.
kvm_boots() {
  [ -c /dev/kvm ] && [ -r "$IMAGES_DIR/canary.vmlinuz" ] && [ -r "$IMAGES_DIR/canary.initrd" ] || return 1
  say 'boot canary under KVM'
  timeout -k 1 "${BELLOWS_CANARY_SECONDS:-20}" qemu-system-x86_64 -M pc-q35-7.2,accel=kvm -cpu qemu64 -smp 2 -m 256 \
    -nodefaults -no-user-config -display none -no-reboot -serial stdio -kernel "$IMAGES_DIR/canary.vmlinuz" \
    -initrd "$IMAGES_DIR/canary.initrd" -append 'console=ttyS0 panic=-1' < /dev/null 2>/dev/null |
    grep -qm1 BELLOWS-CANARY-SPEAKS
}
if kvm_boots; then VIRT=kvm OVERHEAD=$OVERHEAD_KVM_MIB; else VIRT=qemu OVERHEAD=$OVERHEAD_TCG_MIB; fi

put /etc/bellows/host.json 644 <<C
{
  "virtType": "$VIRT",
  "machine": "pc-q35-7.2",
  "bridge": "$BRIDGE",
  "pool": "$POOL",
  "poolPath": "$POOL_DIR",
  "privateCidr": "$PRIVATE_CIDR",
  "privateGateway": "$GATEWAY",
  "uplink": "$UPLINK",
  "tapPrefix": "$TAP_PREFIX",
  "registryPort": $REGISTRY_PORT,
  "guestOverheadMib": $OVERHEAD
}
C
# The driver has no other way to this server than libvirt: it reads the verdict as a volume of the pool.
put $POOL_DIR/bellows-host.json 644 < /etc/bellows/host.json
$V pool-refresh $POOL
say "ready: virtType $VIRT, bridge $BRIDGE $GATEWAY/$PREFIX, uplink ${UPLINK:-none}, pool $POOL"
