#!/bin/sh
# A real S3 server on loopback, for tests:
#
#     tests/peers/s3.sh install|start|stop|status|env|wipe
#
# `env` prints what tests need, to be used as: eval "$(tests/peers/s3.sh env)". The server is
# versitygw, built by Go (some minutes, once), or moto where there is no Go (TARN_PEER_S3=moto
# chooses it). Software and data lie below $TARN_PEERS (default ~/.cache/tarn/peers).
#   TARN_PEER_S3_PORT   default 17070
set -eu
versitygw=github.com/versity/versitygw/cmd/versitygw@v1.8.0
moto='moto[server]==5.2.5'
home=${TARN_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/tarn/peers}
port=${TARN_PEER_S3_PORT:-17070}
state=$home/s3-$port
key=tarn-test
secret=tarn-test-secret

kind=${TARN_PEER_S3:-}
if [ -z "$kind" ]; then
    if [ -x "$home/bin/versitygw" ] || command -v go >/dev/null 2>&1; then
        kind=versitygw
    else
        kind=moto
    fi
fi

installed() {
    case $kind in
    versitygw) [ -x "$home/bin/versitygw" ] ;;
    moto) [ -x "$home/moto/bin/moto_server" ] ;;
    *)
        echo "error: TARN_PEER_S3 is versitygw or moto, not $kind" >&2
        exit 2
        ;;
    esac
}

running() { [ -s "$state/pid" ] && kill -0 "$(cat "$state/pid")" 2>/dev/null; }

answers() {
    python3 - "$port" <<'PY'
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
except OSError:
    sys.exit(1)
PY
}

install_server() {
    if installed; then return; fi
    mkdir -p "$home/bin"
    if [ "$kind" = versitygw ]; then
        echo "s3: building $versitygw (some minutes)" >&2
        GOBIN=$home/bin GOFLAGS=-p=1 nice go install "$versitygw"
    else
        python3 -m venv "$home/moto"
        "$home/moto/bin/python" -m pip install -q "$moto"
    fi
}

start_server() {
    if running; then return; fi
    if ! installed; then
        echo "error: the S3 server is not installed" >&2
        echo "hint: tests/peers/s3.sh install" >&2
        exit 3
    fi
    mkdir -p "$state/data/lake"
    if [ "$kind" = versitygw ]; then
        ROOT_ACCESS_KEY=$key ROOT_SECRET_KEY=$secret setsid "$home/bin/versitygw" --quiet \
            --port "127.0.0.1:$port" posix "$state/data" >"$state/log" 2>&1 </dev/null &
    else
        setsid "$home/moto/bin/moto_server" -H 127.0.0.1 -p "$port" >"$state/log" 2>&1 </dev/null &
    fi
    echo $! >"$state/pid"
    tries=0
    until answers; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! running; then
            echo "error: the S3 server does not answer; see $state/log" >&2
            exit 6
        fi
        sleep 0.2
    done
    if [ "$kind" = moto ]; then # its buckets are in memory
        python3 - "$port" <<'PY'
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/lake",
                                              method="PUT"), timeout=10)
PY
    fi
}

stop_server() {
    if running; then
        pid=$(cat "$state/pid")
        kill "$pid"
        tries=0
        while kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    fi
    rm -f "$state/pid"
}

case ${1:-} in
install) install_server ;;
start) start_server ;;
stop) stop_server ;;
status)
    if running; then echo "$kind on 127.0.0.1:$port"; else
        echo stopped
        exit 1
    fi
    ;;
env)
    echo "export TARN_TEST_S3=http://127.0.0.1:$port TARN_TEST_S3_ROOT=s3://lake/test"
    echo "export AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_REGION=us-east-1"
    echo "export AWS_EC2_METADATA_DISABLED=true"
    ;;
wipe)
    stop_server
    rm -rf "$state"
    ;;
*)
    sed -n '2,11p' "$0" | cut -c3- >&2
    exit 2
    ;;
esac
