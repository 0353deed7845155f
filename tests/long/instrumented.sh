# instrumented.sh: what the long checks share: a copy of the sources, built in another way.
#
# Run in a configured build folder. srcdir: the source tree; MAKE: make.

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
MAKE=${MAKE:-make}

# configure_copy ARGUMENT...: a copy of the sources, configured in $folder/build
configure_copy() {
    "$MAKE" -s distdir distdir="$folder/source" >"$folder/log" 2>&1 &&
        chmod -R u+w "$folder/source" && mkdir "$folder/build" &&
        (cd "$folder/build" && ../source/configure --quiet "$@") >>"$folder/log" 2>&1 ||
        { tail -n 30 "$folder/log"; return 1; }
}
