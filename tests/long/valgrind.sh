#!/bin/sh
# `make check-valgrind`; one of its programs if CHECK_LONG is "short". Ends with 77 without valgrind.
set -u
. "$srcdir/tests/long/instrumented.sh"

command -v valgrind >/dev/null || skip "there is no valgrind (Debian: valgrind)"
[ "${CHECK_LONG-}" != short ] || programs=tests/check_api
exec "$MAKE" -s check-valgrind ${programs:+"UNDER_VALGRIND=$programs"}
