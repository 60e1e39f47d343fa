#!/bin/sh
# Removes from nginx's cache what has one of the given surrogate keys. Open-source nginx cannot be told to; what it finds no file of
# is a miss. Run it where nginx runs, as root or as nginx's user:
#
#   cutline purge --post kim --format keys | internal/deploy/nginx/purge.sh /var/cache/nginx/cutline
#
# FOLDER is that of proxy_cache_path. Keys are read from standard input, separated by white space. Every file is looked into, as far
# as its headers: some ten thousand a second. It prints how many were removed; the exit code is 2 when something is wrong.
set -eu
if [ $# -ne 1 ] || [ ! -d "$1" ]; then
  echo "usage: purge.sh FOLDER, the one of proxy_cache_path" >&2
  exit 2
fi
keys=$(tr -s ' \t\r\n' ' ')
removed=$(mktemp)
trap 'rm -f "$removed"' EXIT
# A cached file is a few hundred bytes of nginx's own, the key, the response's headers, an empty line, the body.
find "$1" -type f -exec env LC_ALL=C awk -v keys="$keys" '
  BEGIN { n = split(keys, list, " "); for (i = 1; i <= n; i++) wanted[list[i]] }
  FNR > 100 { nextfile }
  /^Surrogate-Key: / {
    sub(/\r$/, "")
    for (i = 2; i <= NF; i++) if ($i in wanted) { print FILENAME; break }
    nextfile
  }' {} + >"$removed"
while IFS= read -r file; do rm -f -- "$file"; done <"$removed"
wc -l <"$removed" | awk '{ print $1 " removed" }'
