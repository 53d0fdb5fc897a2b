#!/bin/sh
# A backup, and the proof that it can be restored: what is kept in FROM is saved to WORK/state.snapshot, the file is
# verified, restored to WORK/restored, and a server is started there until it is ready. FROM stays as it is.
#
#   deploy/backup-drill.sh FROM WORK
#
# FROM is a --data-dir, whose server must be stopped meanwhile, or etcd's members as https://host:port,… with the flags
# for them in ETCD_FLAGS; an etcd may be in use. Beside the state of a --data-dir, its keys and certificates are kept in
# WORK/keys.tar: without those no token that was issued is valid after a restore. WORK holds secrets.
#
# After a loss, the same steps end at the restore, into the directory or the etcd that is to be served from.
set -eu
umask 077
from=${1:?say what to save} work=${2:?say where to}
pintle=${PINTLE_BIN:-pintle}
mkdir -p "$work/restored"

# The backup. Both files belong on another machine.
# shellcheck disable=SC2086
"$pintle" snapshot save "$from" "$work/state.snapshot" ${ETCD_FLAGS:-}
if [ -d "$from" ]; then
    tar -C "$from" --exclude=./store -cf "$work/keys.tar" .
fi

# The file is whole, and this is in it.
"$pintle" snapshot inspect "$work/state.snapshot" | tee "$work/saved.txt"

# The restore.
if [ -f "$work/keys.tar" ]; then
    tar -C "$work/restored" -xf "$work/keys.tar"
fi
"$pintle" snapshot restore "$work/state.snapshot" "$work/restored" --dry-run
"$pintle" snapshot restore "$work/state.snapshot" "$work/restored"

# It serves.
"$pintle" --data-dir="$work/restored" --bind-address=127.0.0.1 --secure-port="${PORT:-7553}" >"$work/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until grep -q "is ready on" "$work/server.log"; do
    kill -0 $server || { cat "$work/server.log"; exit 1; }
    sleep 0.1
done
kill $server
wait $server
echo "the backup can be restored"
