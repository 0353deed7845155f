#!/bin/sh
# Hunts with every fuzz target for FUZZ_SECONDS each (60 by default, 5 if CHECK_LONG is "short"). What a
# target finds stays as crash-… in the folder where this runs. Ends with 77 without clang and libFuzzer.
set -u
. "$srcdir/tests/long/instrumented.sh"

[ "${CHECK_LONG-}" != short ] || FUZZ_SECONDS=${FUZZ_SECONDS-5}
seconds=${FUZZ_SECONDS:-60}
compiler=${CLANG:-clang}
here=$PWD
can_link "$compiler" -fsanitize=address,undefined,fuzzer-no-link ||
    skip "$compiler cannot link with -fsanitize=fuzzer-no-link (Debian: clang)"
configure_copy CC="$compiler" CXX="$compiler++" --disable-shared --disable-openmp \
    --enable-sanitizers=address,undefined,fuzzer-no-link || exit 1
cd "$folder/build" && "$MAKE" -s -j2 libinternal.la >log 2>&1 || { tail -n 30 log; exit 1; }

# hunt TARGET CORPUS
hunt() {
    ./libtool --quiet --tag=CC --mode=link "$compiler" -g -O1 -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=all -I. -I../source/include -I../source/src \
        "../source/tests/fuzz/$1.c" \
        ../source/tests/fuzz/fuzz.c libinternal.la -o "$1" && mkdir "new_$1" || return 1
    ASAN_OPTIONS=allocator_may_return_null=1 "./$1" -max_total_time="$seconds" -max_len=4096 \
        -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 -artifact_prefix="$here/" \
        "new_$1" "$2" >"$1.log" 2>&1
    hunted=$?
    grep -E 'stat::number_of_executed_units|broken promise|ERROR|SUMMARY' "$1.log"
    return "$hunted"
}

failed=0
for source in ../source/tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    echo "$name, $seconds s:"
    hunt "$name" "../source/tests/fuzz/corpus/${name#fuzz_}" || failed=$((failed + 1))
done
[ "$failed" -eq 0 ]
