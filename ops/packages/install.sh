# SPDX-License-Identifier: Apache-2.0
# Sourced by ops/up and ops/test: what they say, and how they come to packages. Needs bash.

say() { printf '\033[1m%s\033[0m\n' "==> $*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# The packages of these lists, one a line, without comments.
listed() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$@"; }

# Those of the lists that dpkg does not have. `node` and `npm` may come from elsewhere.
missing() {
  local package
  for package in $(listed "$@"); do
    case "$package" in
      nodejs) node_is_new_enough && continue ;;
      npm) command -v npm >/dev/null && continue ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
  done
}

node_is_new_enough() {
  local version
  version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  [ "${version%%.*}" -ge 18 ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "these need root or sudo: $*"; fi
}

# Installs what is missing of the lists, and asks no mirror when nothing is. Nothing that it installs starts a service
# or makes a database cluster: both are held back while apt runs, and only then.
install_missing() {
  local wanted
  mapfile -t wanted < <(missing "$@")
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "installing ${#wanted[@]} packages: ${wanted[*]}"
  command -v apt-get >/dev/null || die "this is not a Debian: install by hand what ops/packages/*.txt list"
  (
    policy=/usr/sbin/policy-rc.d
    cluster=/etc/postgresql-common/createcluster.d/lyceum-tests.conf
    guards=()
    trap '[ ${#guards[@]} = 0 ] || as_root rm -f "${guards[@]}"' EXIT
    trap 'exit 130' INT TERM
    if [ ! -e "$policy" ]; then
      guards+=("$policy")
      printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
      as_root chmod 755 "$policy"
    fi
    if [ ! -e "$cluster" ]; then
      guards+=("$cluster")
      as_root mkdir -p "$(dirname "$cluster")"
      printf 'create_main_cluster = false\n' | as_root tee "$cluster" >/dev/null
    fi
    apt="apt-get -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3"
    as_root env DEBIAN_FRONTEND=noninteractive $apt update </dev/null &&
      as_root env DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends "${wanted[@]}" </dev/null
  ) || die "apt-get failed (its words are above); nothing was built"
}

# Compilers at once: a core each, and 1.5 GB of free memory each, at least one.
jobs_at_once() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo 2>/dev/null)
  [ "${memory:-1}" -ge 1 ] || memory=1
  if [ "$memory" -lt "$cores" ]; then echo "$memory"; else echo "$cores"; fi
}
