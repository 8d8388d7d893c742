#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mail hosts of two makers for tests, on a free port of loopback. Both play the same parts, by the recipient's name.
#
#   smtp.sh certificate FOLDER        makes FOLDER/cert.pem and key.pem, for the name localhost alone, signed by itself
#   smtp.sh aiosmtpd FOLDER OPTION…   runs one: prints its port, ends when its standard input does, writes what it takes into FOLDER
#   smtp.sh smtp-server FOLDER OPTION…
#
#   --tls start|implicit|none   default start
#   --login                     demands user "ann", password "sesame"
#   --greeting-after SECONDS    greets late
#   --port N                    listens there
#   --mails-max N               answers 421 and hangs up at mail N+1 of a connection
#
#   grey        451 the first time        unknown     550 5.1.1          policy       550 5.7.1      full   452
#   cut-before  cut at RCPT               cut-in      cut in the text    cut-after    cut after the text, without an answer
#   busy        451 after the text        spam        554 after the text silent       no answer after the text
#   stuck       stops reading in the text    slow (aiosmtpd)  answers 3 s after the text
#   A sender "nobody" is answered 553.
#
# A line of FOLDER/log for each mail taken: connection, sender, recipient, user, TLS or plain, file; tabs between. Status 77 where the
# program is not installed.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

fail() { printf 'smtp.sh: %s\n' "$*" >&2; exit "${status:-1}"; }
missing() { status=77 fail "$1 is not installed; ops/test does it"; }

[ $# -ge 2 ] || fail "usage: smtp.sh certificate|aiosmtpd|smtp-server FOLDER OPTION…"
kind=$1
folder=$2
shift 2
mkdir -p "$folder"
case "$kind" in
  certificate)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
      -addext subjectAltName=DNS:localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
    ;;
  aiosmtpd)
    python=/usr/bin/python3 # Debian's, which its packages are for
    "$python" -c 'import aiosmtpd' 2>/dev/null || missing python3-aiosmtpd
    exec "$python" "$here/smtp_aiosmtpd.py" "$folder" "$@"
    ;;
  smtp-server)
    [ -d "$here/node_modules/smtp-server" ] || missing "npm's smtp-server"
    exec node "$here/smtp_server.mjs" "$folder" "$@"
    ;;
  *) fail "unknown: $kind" ;;
esac
