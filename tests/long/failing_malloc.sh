#!/bin/sh
# The demo with every request for memory failing in turn, up to the 2,000th; the first 40 if CHECK_LONG is
# "short".
set -u

[ "${CHECK_LONG-}" != short ] || FAILING_MALLOC=${FAILING_MALLOC-40}
FAILING_MALLOC=${FAILING_MALLOC-2000}
export FAILING_MALLOC
exec "$srcdir/tests/check_failing_malloc.sh"
