#!/bin/sh
# A million steps of a small model; 20,000 if CHECK_LONG is "short".
set -u

steps=1000000
[ "${CHECK_LONG-}" != short ] || steps=20000
exec ./tests/soak "${SOAK_STEPS-$steps}"
