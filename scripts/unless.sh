#!/usr/bin/env bash
# cargo's runner in one of two lanes of `make test`: runs a test's binary, unless it is one that the other lane runs.
#
#   scripts/unless.sh <name…> -- <binary> <argument…>
names=" "
while [ "$1" != -- ]; do
    names="$names$1 "
    shift
done
shift
name=$(basename "$1")
# Without the hash that cargo puts after a name.
case $names in *" ${name%-*} "*) echo "(in the other lane)"; exit ;; esac
exec "$@"
