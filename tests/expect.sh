# expect.sh: how scripts that check many things count and report them.

passed=0
failed=0

# expect FAULT COMMAND...: counts whether the command succeeds; names the fault if it does not
expect() {
    fault=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$fault"
    fi
}

# check_library COMMAND...: runs a command that asks nm about AG_SHARED_LIBRARY, where both are there
check_library() {
    if [ "${AG_SHARED_LIBRARY-unset}" = "" ]; then
        echo "skipped: without a shared library its symbols cannot be checked"
    elif ! command -v nm >/dev/null 2>&1; then
        echo "skipped: without nm the library's symbols cannot be checked"
    else
        expect "AG_SHARED_LIBRARY: not the shared library: ${AG_SHARED_LIBRARY-unset}" \
            test -f "${AG_SHARED_LIBRARY-unset}"
        [ ! -f "${AG_SHARED_LIBRARY-unset}" ] || "$@"
    fi
}

# Ends the script's work with a closing line; fails if anything did, or if nothing was checked.
report() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
