# instrumented.sh: what the long checks share: a copy of the sources, built in another way.
#
# Run in a configured build folder. srcdir: the source tree; MAKE: make.

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
MAKE=${MAKE:-make}

# skip REASON: ends the script, since something that it needs is not there
skip() {
    echo "skipped: $1"
    exit 77
}

# runs COMMAND ARGUMENT...: whether that is there and works
runs() {
    "$@" >/dev/null 2>&1
}

# optimised LEVEL: that level, or -O0 if CHECK_LONG is "short": to build takes most of the time then
optimised() {
    if [ "${CHECK_LONG-}" = short ]; then echo -O0; else echo "$1"; fi
}

# can_link COMPILER FLAG...: whether a program that is built so also runs
can_link() {
    echo 'int main(void) { return 0; }' >"$folder/try.c"
    "$@" "$folder/try.c" -o "$folder/try" >"$folder/log" 2>&1 && "$folder/try"
}

# configure_copy ARGUMENT...: a copy of the sources, configured in $folder/build
configure_copy() {
    "$MAKE" -s distdir distdir="$folder/source" >"$folder/log" 2>&1 &&
        chmod -R u+w "$folder/source" && mkdir "$folder/build" &&
        (cd "$folder/build" && ../source/configure --quiet "$@") >>"$folder/log" 2>&1 ||
        { tail -n 30 "$folder/log"; return 1; }
}
