#!/bin/sh
# `make check-valgrind`; one of its programs if CHECK_LONG is "short". Ends with 77 without valgrind.
set -u
. "$srcdir/tests/long/instrumented.sh"

command -v valgrind >/dev/null || skip "there is no valgrind (Debian: valgrind)"
[ "${CHECK_LONG-}" != short ] || programs=tests/check_api
"$MAKE" -s check-valgrind ${programs:+"UNDER_VALGRIND=$programs"} >"$folder/log" 2>&1
status=$?
cat "$folder/log"
[ "$status" -ne 0 ] || echo "valgrind's memcheck: $(grep -c '^== ' "$folder/log") programs, no error, no leak"
exit "$status"
