#!/bin/sh
# Makes the Python environment of the interoperability tests, once, and prints its interpreter:
#
#     python=$(tools/venv.sh)
#
# It lies in the cache ($TARN_CACHE, else ~/.cache/tarn), named by a hash of the pinned
# requirements, the interpreter and the machine, so another set of pins makes another environment
# and an old checkout finds its own again. pip checks every file against the pinned hashes and
# installs wheels only. A half made environment has no stamp and is made anew.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
wanted=$root/tests/interop/requirements.txt
cache=${TARN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tarn}

# The system's interpreter before whatever else is first in PATH: its environments are made from a
# Python that stays.
python=python3
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
    python=/usr/bin/python3
fi
if ! "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: python3 is older than 3.11 or has no module ensurepip" >&2
    echo "hint: on Debian 12 install python3-venv (./dev check-interop does)" >&2
    exit 6
fi

key=$({ cat "$wanted"; "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; uname -m; } |
    sha256sum | cut -c1-16)
venv=$cache/venv-$key
if [ ! -f "$venv/complete" ]; then
    mkdir -p "$cache"
    exec 9>"$cache/venv.lock"
    flock 9
fi
if [ ! -f "$venv/complete" ]; then
    echo "venv: making the environment of the interoperability tests (about 500 MB)" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv" >&2
    if ! PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python3" -m pip install --no-compile \
        --require-hashes --only-binary :all: -r "$wanted" >&2; then
        rm -rf "$venv"
        echo "error: pip could not install the pinned requirements (its words are above)" >&2
        echo "hint: check the network and pip's index and certificate settings" >&2
        exit 6
    fi
    touch "$venv/complete"
fi
echo "$venv/bin/python3"
