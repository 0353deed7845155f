#!/bin/sh
# All tests, or SANITIZED_TESTS, with AddressSanitizer and UndefinedBehaviorSanitizer.
set -u
. "$srcdir/tests/long/instrumented.sh"

configure_copy --enable-sanitizers=address,undefined CFLAGS=-O1 CXXFLAGS=-O1 || exit 1
cd "$folder/build" || exit 1
CK_TIMEOUT_MULTIPLIER=20
export CK_TIMEOUT_MULTIPLIER
"$MAKE" -s -k -j2 check ${SANITIZED_TESTS:+"TESTS=$SANITIZED_TESTS"} >log 2>&1
status=$?
grep -E '^(FAIL|ERROR|# TOTAL|# PASS)' log
[ "$status" -eq 0 ] || tail -n 60 log test-suite.log
exit "$status"
