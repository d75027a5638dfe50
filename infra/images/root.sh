# Sourced by build.sh: what is done to a root file system, and where Debian is.

# This machine's own Debian mirrors, of SUITE instead of what it runs itself, its updates and security, as one-line
# entries. A mirror of one release is a mirror of the others under the same address; where it is not (a release that
# has gone to the archive), $BELLOWS_MIRRORS_<suite> holds the lines.
mirrors() { # SUITE
  eval "given=\${BELLOWS_MIRRORS_$1:-}"
  [ -z "$given" ] || { printf '%s\n' "$given"; return; }
  own=$(. /etc/os-release && echo "$VERSION_CODENAME")
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
  } | awk -v own="$own" -v s="$1" '$2 == own || $2 == own "-updates" || $2 == own "-security" {
    sub(own, s, $2); if (!seen[$0]++) print "deb", $1, $2, "main" }'
}

in_root() { # ROOT COMMAND…: with nothing of this machine but /proc and a few devices
  root=$1; shift
  unshare -m sh -euc 'root=$1; shift; mount --make-rprivate /; mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    mknod -m 666 "$root/dev/null" c 1 3; mknod -m 666 "$root/dev/zero" c 1 5; mknod -m 444 "$root/dev/urandom" c 1 9
    mknod -m 444 "$root/dev/random" c 1 8; ln -s /proc/self/fd "$root/dev/fd"
    exec chroot "$root" "$@"' sh "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}

add_packages() { # ROOT LISTS PACKAGE…: LISTS is a folder with apt's lists of this build, if there is one
  root=$1 lists=$2; shift 2
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  proxy=$(apt-config shell P Acquire::http::Proxy); eval "${proxy:-P=}"
  if [ -d "$lists" ]; then rm -rf "$root/var/lib/apt/lists"; cp -a "$lists" "$root/var/lib/apt/lists"
  else in_root "$root" apt-get -qq ${P:+-o "Acquire::http::Proxy=$P"} update; fi
  in_root "$root" apt-get -qq -y --no-install-recommends ${P:+-o "Acquire::http::Proxy=$P"} install "$@" > "$dir/apt.log" 2>&1 ||
    { cat "$dir/apt.log" >&2; die 'apt-get install'; }
}

clean() { # ROOT: what no container needs, and what two builds from the same packages would not share
  (
    cd "$1"
    rm -rf dev/* proc/* sys/* run/* tmp/* var/tmp/* boot/* var/cache/apt/* var/lib/apt/lists/* var/cache/debconf/*-old \
      var/cache/ldconfig/* var/lib/dpkg/*-old var/lib/dpkg/lock* var/lib/dpkg/triggers/Lock usr/share/lintian \
      usr/share/doc-base root/.cache etc/resolv.conf etc/hostname etc/machine-id var/lib/dbus/machine-id \
      etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- etc/.pwd.lock
    [ ! -d var/lib/apt/lists ] || mkdir -p var/lib/apt/lists/partial var/cache/apt/archives/partial
    find var/log -type f -delete 2>/dev/null || true
    # a mirror's password is this machine's own
    [ ! -e etc/apt/sources.list ] || sed -i 's#//[^/@ ]*@#//#' etc/apt/sources.list
    # since when a password is so: the day of the build
    [ ! -e etc/shadow ] || sed -i 's/^\([^:]*:[^:]*\):[0-9]*:/\1:19000:/' etc/shadow
  )
}

# Files of packages carry their packages' times; all that was made here gets the newest of those. So the times, and
# the image's digest, follow from the packages. Says the time, in seconds since 1970.
settle_times() { # ROOT FILE: FILE is older than all that was made here
  epoch=$(find "$1" -xdev ! -newer "$2" -type f -printf '%T@\n' | sort -n | tail -n 1)
  epoch=${epoch%.*}
  find "$1" -xdev -newer "$2" -exec touch -h -d "@$epoch" {} +
  echo "$epoch"
}
