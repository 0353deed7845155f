#!/bin/sh
# Hunts with every fuzz target for FUZZ_SECONDS each (60 by default, 2 if CHECK_LONG is "short"). What a
# target finds stays as crash-… in the folder where this runs. Ends with 77 without clang and libFuzzer.
set -u
. "$srcdir/tests/long/instrumented.sh"

[ "${CHECK_LONG-}" != short ] || FUZZ_SECONDS=${FUZZ_SECONDS-2}
seconds=${FUZZ_SECONDS:-60}
compiler=${CLANG:-clang}
here=$PWD

# Whether libFuzzer, which has a main of its own, is there.
can_fuzz() {
    echo '#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) { return (void)bytes, (void)size, 0; }' \
        >"$folder/try.c"
    runs "$compiler" -fsanitize=fuzzer "$folder/try.c" -o "$folder/try"
}

can_link "$compiler" -fsanitize=address,undefined,fuzzer-no-link && runs "$compiler++" --version && can_fuzz ||
    skip "$compiler cannot link with -fsanitize=fuzzer (Debian: clang)"
configure_copy CC="$compiler" CXX="$compiler++" --disable-shared --disable-openmp \
    --enable-sanitizers=address,undefined,fuzzer-no-link \
    CFLAGS="$(optimised -O2)" CXXFLAGS="$(optimised -O2)" || exit 1
cd "$folder/build" && "$MAKE" -s -j2 libinternal.la >log 2>&1 || { tail -n 30 log; exit 1; }

# hunt TARGET CORPUS
hunt() {
    executed=0
    ./libtool --quiet --tag=CC --mode=link "$compiler" -g -O1 -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=all -I. -I../source/include -I../source/src \
        "../source/tests/fuzz/$1.c" \
        ../source/tests/fuzz/fuzz.c libinternal.la -o "$1" && mkdir "new_$1" || return 1
    ASAN_OPTIONS=allocator_may_return_null=1 "./$1" -max_total_time="$seconds" -max_len=4096 \
        -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 -artifact_prefix="$here/" \
        "new_$1" "$2" >"$1.log" 2>&1
    hunted=$?
    grep -E 'broken promise|ERROR|SUMMARY' "$1.log"
    executed=$(awk '/stat::number_of_executed_units/ { print $2 }' "$1.log")
    echo "$1, $seconds s: ${executed:=0} inputs"
    return "$hunted"
}

targets=0 inputs=0 failed=0
for source in ../source/tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    hunt "$name" "../source/tests/fuzz/corpus/${name#fuzz_}" || failed=$((failed + 1))
    targets=$((targets + 1)) inputs=$((inputs + ${executed:-0}))
done
echo "$targets fuzz targets of $seconds s each: $inputs inputs, $failed targets with a finding"
[ "$failed" -eq 0 ]
