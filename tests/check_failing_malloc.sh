#!/bin/sh
# The demo with the n-th request for memory failing, of whatever part of the process: it ends well, or
# with a message and an exit status of its own, but never by a signal. Both for one request that fails
# and for all from it on.
#
# FAILING_MALLOC: the last n to be tried (2,000), or "sample" for a few. Ends with 77 where nothing can be
# preloaded.
set -u

last=${FAILING_MALLOC:-sample}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
preloaded=$PWD/tests/.libs/failing_malloc.so
passed=0
failed=0

# The program itself, not the script that libtool makes of it, and where its libraries are.
demo=$(./libtool --quiet --mode=execute printf '%s' ./examples/train_classifier)
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# run SETTING...: one epoch, with these variables in the environment
run() {
    rm -f "$folder/count"
    env "$@" "FAIL_MALLOC_COUNT=$folder/count" "LD_PRELOAD=$preloaded" timeout 120 \
        "$demo" --digits --epochs 1 --threads 2 --output "$folder/curves.svg" \
        >"$folder/out" 2>"$folder/errors"
}

if [ ! -f "$preloaded" ] || ! run FAIL_MALLOC_AT=0 || [ ! -s "$folder/count" ]; then
    echo "skipped: failing_malloc cannot be preloaded"
    exit 77
fi
requests=$(cat "$folder/count")
[ "$last" = sample ] || [ "$last" -lt $((requests + 20)) ] || last=$((requests + 20))

# try N SETTING...
try() {
    n=$1
    shift
    run "FAIL_MALLOC_AT=$n" "$@"
    status=$?
    if [ "$status" -eq 0 ] || { [ "$status" -lt 124 ] && [ -s "$folder/errors" ]; }; then
        passed=$((passed + 1))
        sed 's/[0-9][0-9]* bytes/… bytes/; s|/[^ ]*/||' "$folder/errors" | grep -v '^$' |
            head -n 1 >>"$folder/messages"
    else
        failed=$((failed + 1))
        echo "request $n $*: exit status $status, \"$(cat "$folder/errors")\""
    fi
}

numbers() {
    if [ "$last" = sample ]; then
        awk -v end="$((requests + 1))" 'BEGIN {
            for (n = 1; n <= 30; n += 3) print n
            for (n = 31; n <= end; n += 37) print n
        }'
    else
        awk -v end="$last" 'BEGIN { for (n = 1; n <= end; n++) print n }'
    fi
}

: >"$folder/messages"
for n in $(numbers); do
    try "$n" FAIL_MALLOC_ONCE=1
    try "$n" FAIL_MALLOC_FROM=1
done
echo "$requests requests in a run without failures; what the runs ended with, and how often:"
sort "$folder/messages" | uniq -c | sort -rn
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
