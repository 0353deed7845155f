#!/bin/sh
# A million steps of a small model; 20,000 if CHECK_LONG is "short".
set -u

steps=1000000
[ "${CHECK_LONG-}" != short ] || steps=20000
said=$(./tests/soak "${SOAK_STEPS-$steps}")
status=$?
echo "$said" | tr '\n' ';' | sed 's/;$//; s/;/; /g'
echo
exit "$status"
