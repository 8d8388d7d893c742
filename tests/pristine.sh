#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The README's two commands in a Debian 12 that has nothing. Run by hand before a release; needs root and debootstrap.
#
#   tests/pristine.sh                 ops/up: waits until its page answers, starts it a second time, stops it
#   tests/pristine.sh --test          and then ops/test
#   tests/pristine.sh --keep …        leaves the tree behind and says where
#
# What is committed is what is tried. How this machine reaches its mirrors (sources, proxy, certificates, npm's settings)
# is taken over as it stands. LYCEUM_TEST_PORT (18080) is the port that the school is served on.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

test=no keep=no
for word in "$@"; do
  case "$word" in
    --test) test=yes ;;
    --keep) keep=yes ;;
    *) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done
[ "$(id -u)" = 0 ] || { echo "pristine.sh: debootstrap and chroot need root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "pristine.sh: apt-get install debootstrap" >&2; exit 1; }
port=${LYCEUM_TEST_PORT:-18080}
suite=bookworm
since=$SECONDS
say() { printf '==> [%s s] %s\n' "$((SECONDS - since))" "$*"; }

root=$(mktemp -d "${TMPDIR:-/tmp}/lyceum-pristine.XXXXXX")
chmod 755 "$root"
served=
clean() {
  local status=$?
  set +e
  [ -z "$served" ] || { kill -TERM "$served"; wait "$served"; } 2>/dev/null
  # Only what still runs inside this tree, each by its own id.
  local each
  for each in /proc/[0-9]*; do
    [ "$(readlink "$each/root")" = "$root" ] && kill -KILL "${each#/proc/}"
  done 2>/dev/null
  for each in dev/shm dev/pts dev proc; do
    mountpoint -q "$root/$each" && umount "$root/$each"
  done
  if grep -q " $root/" /proc/mounts; then
    echo "pristine.sh: something is still mounted below $root; it is left as it is" >&2
  elif [ "$keep" = yes ]; then
    say "the tree is in $root"
  else
    rm -rf --one-file-system "$root"
  fi
  exit "$status"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The mirror that this machine's apt uses for the suite; a variable may name another one.
mirror=${LYCEUM_TEST_MIRROR:-$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
  awk -v suite="$suite" '$2 == suite { print $1; exit }')}
say "debootstrap $suite into $root"
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2; echo "pristine.sh: debootstrap failed (all of its words: $root.log)" >&2; exit 1; }
rm -f "$root.log"

say "taking over how this machine reaches its mirrors"
rm -f "$root/etc/apt/sources.list"
for each in /etc/apt/apt.conf.d /etc/apt/auth.conf.d /etc/apt/keyrings /etc/apt/sources.list.d /etc/apt/trusted.gpg.d \
  /etc/apt/sources.list /etc/apt/apt.conf /etc/apt/auth.conf /etc/resolv.conf /etc/hosts /etc/npmrc \
  /usr/local/share/ca-certificates /etc/ssl/certs; do
  [ -e "$each" ] || continue
  mkdir -p "$root$(dirname "$each")"
  cp -rL --remove-destination "$each" "$root$(dirname "$each")/" 2>/dev/null || true
done
npm=()
if command -v npm >/dev/null; then
  # Only what says how to reach the registry: a user's other settings would not be a stranger's.
  for each in userconfig globalconfig; do
    file=$(npm config get "$each" 2>/dev/null || true)
    if [ -f "$file" ]; then
      cp -L "$file" "$root/etc/npm-$each"
      npm+=("npm_config_$each=/etc/npm-$each")
    fi
  done
fi
for each in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS; do
  [ -z "${!each:-}" ] || npm+=("$each=${!each}")
done

mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for each in null zero full random urandom tty; do
  rm -f "$root/dev/$each"
  cp -a "/dev/$each" "$root/dev/$each"
done
mkdir -p "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx" # tests of the terminal open one
ln -s /proc/self/fd "$root/dev/fd"

mkdir "$root/lyceum"
git archive HEAD | tar -x -C "$root/lyceum"
[ -z "$(git status --porcelain)" ] || say "note: what is not committed is not tried"

# Nothing of this shell's environment gets in but what is said above.
inside=(chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
  TERM=dumb "${npm[@]}")

# Serves in the background until its page is there. The first argument says within how many seconds.
up() {
  local within=$1 until=$((SECONDS + $1)) page
  shift
  "${inside[@]}" /lyceum/ops/up --listen "127.0.0.1:$port" >"$root/up.log" 2>&1 </dev/null &
  served=$!
  until page=$(chroot "$root" curl -fsS "http://127.0.0.1:$port/" 2>/dev/null) && grep -qi '<!doctype html' <<<"$page"; do
    if ! kill -0 "$served" 2>/dev/null || [ "$SECONDS" -ge "$until" ]; then
      tail -n 60 "$root/up.log" >&2
      echo "pristine.sh: no page on port $port within $within s" >&2
      exit 1
    fi
    sleep 0.2
  done
  grep -qi '<h1' <<<"$page" || { echo "pristine.sh: the page has no heading" >&2; exit 1; }
}

down() {
  local status=0
  kill -TERM "$served"
  wait "$served" || status=$?
  served=
  [ "$status" = 0 ] || { tail -n 20 "$root/up.log" >&2; echo "pristine.sh: an ordered stop gave status $status" >&2; exit 1; }
}

say "ops/up in the pristine tree"
up 2400
say "it answers; what ops/up said last:"
tail -n 12 "$root/up.log"
down
say "ops/up again"
before=$SECONDS
up 30
say "it answers after $((SECONDS - before)) s"
down
if [ "$test" = yes ]; then
  say "ops/test in the pristine tree"
  before=$SECONDS
  "${inside[@]}" /lyceum/ops/test </dev/null
  say "ops/test took $((SECONDS - before)) s"
fi
say "all well"
