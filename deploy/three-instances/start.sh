#!/bin/sh
# Three instances of Pintle on one etcd, and a load balancer in front of them, all on loopback: the shape of a
# highly available control plane, to try out and to copy from. On real machines each instance and each etcd member
# has one of its own, and certificates of your CA take the place of those made here.
#
#   deploy/three-instances/start.sh DIRECTORY    # ends, and ends everything, with Ctrl-C
#
# Needs etcd and pintle on the PATH (or PINTLE_BIN), and haproxy for the load balancer; without it, clients name the
# instances themselves. The ports are BASE (the load balancer, 7443), BASE+1 to BASE+3 (instances), BASE+4 and
# BASE+5 (etcd).
set -eu
directory=${1:?say where to keep everything}
here=$(cd "$(dirname "$0")" && pwd)
base=${BASE:-7443}
pintle=${PINTLE_BIN:-pintle}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
started=
trap 'kill $started 2>/dev/null; wait' EXIT
trap 'exit 0' INT TERM

client=http://127.0.0.1:$((base + 4)) peer=http://127.0.0.1:$((base + 5))
etcd --data-dir="$directory/etcd" --log-level=error \
    --listen-client-urls="$client" --advertise-client-urls="$client" \
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="default=$peer" \
    >"$directory/etcd.log" 2>&1 &
started=$!

# All instances share --cert-dir: one CA, and one key for the tokens of service accounts. The first makes them; those that start
# at the same moment would make theirs over one another's.
start() {
    "$pintle" --etcd-servers="$client" --data-dir="$directory/instance-$1" --cert-dir="$directory/pki" \
        --bind-address=127.0.0.1 --advertise-address="10.255.0.$1" --secure-port=$((base + $1)) \
        --external-hostname=localhost --goaway-chance=0.001 --shutdown-delay-duration=5s \
        >"$directory/instance-$1.log" 2>&1 &
    started="$started $!"
}
until_ready() {
    until grep -q "is ready on" "$directory/instance-$1.log" 2>/dev/null; do sleep 0.1; done
}
for instance in 1 2 3; do
    start $instance
    until_ready $instance
done

address=https://127.0.0.1:$((base + 1))
if command -v haproxy >/dev/null; then
    BASE=$base ONE=$((base + 1)) TWO=$((base + 2)) THREE=$((base + 3)) \
        haproxy -f "$here/haproxy.cfg" >"$directory/haproxy.log" 2>&1 &
    started="$started $!"
    address=https://127.0.0.1:$base
fi
sed "s#server: .*#server: $address#" "$directory/instance-1/admin.kubeconfig" >"$directory/admin.kubeconfig"
echo "ready: export KUBECONFIG=$directory/admin.kubeconfig"
wait
