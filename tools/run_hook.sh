#!/bin/sh
# Runs a script that another part of the tree provides, or says that it is not there yet:
#
#     tools/run_hook.sh SCRIPT WHAT [ARGUMENT...]
set -eu
script=$1 what=$2
shift 2
if [ ! -x "$script" ]; then
    echo "error: $what: not there yet ($script is not an executable file)" >&2
    exit 2
fi
exec "$script" "$@"
