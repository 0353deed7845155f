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

# Ends the script's work with a closing line; fails if anything did, or if nothing was checked.
report() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
