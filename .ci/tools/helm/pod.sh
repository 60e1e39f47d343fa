# Runs a program as a container of a pod: the file in PROGRAM, in an image of nothing else, with the arguments of this script, as USER_ID, which
# is the volumes' group too. It needs root, and a network and mounts of its own (unshare -m -n). ROOT is an empty folder; MOUNTS are lines of a
# path in the container, a folder here, or "empty", and "ro" or "rw"; VARIABLES are lines of NAME=VALUE; ASK is lines of a name, a URL and
# a header. What is printed to descriptor 3 is a name and the status of the answer, each in a line, and how the program ended.
set -euo pipefail
ip link set lo up
mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
mkdir -p "$ROOT/dev" "$ROOT/proc" "$ROOT/etc"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$ROOT/etc/hosts" # Kubernetes' own
mkdir -m 1777 "$ROOT/tmp"
mount --rbind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
for lib in /usr /lib /lib64; do # a program that is not static has its loader there
  [[ -d $lib ]] || continue
  mkdir "$ROOT$lib"
  mount --bind "$lib" "$ROOT$lib"
done
cp "$PROGRAM" "$ROOT/cutline"
while read -r path folder mode; do
  mkdir -p "$ROOT$path"
  if [[ $folder == empty ]]; then
    mount -t tmpfs -o "mode=2777,gid=$USER_ID" tmpfs "$ROOT$path"
  else
    mount --bind "$folder" "$ROOT$path"
    mount -o "remount,bind,$mode" "$ROOT$path"
  fi
done <<<"$MOUNTS"
mount -o remount,ro "$ROOT"
mapfile -t variables <<<"$VARIABLES"
chroot=$(command -v chroot) # not where a program without PATH looks
inside() { exec env -i "${variables[@]}" "$(command -v setpriv)" --no-new-privs "$chroot" "--userspec=$USER_ID:$USER_ID" "--groups=$USER_ID" "$ROOT" "$@"; }
cd /
(inside /cutline "$@") &
server=$!
while read -r name url header; do
  status=000
  for ((i = 0; i < 100; i++)); do # it may not listen yet
    status=$(curl -s -o "$ROOT/../$name" -w '%{http_code}' -H "$header" "$url") && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "$name $status" >&3
done <<<"$ASK"
(inside /cutline rescan) >/dev/null && echo "rescan 0" >&3
kill -TERM "$server" 2>/dev/null || true
wait "$server" && ended=0 || ended=$?
echo "ended $ended" >&3
