#!/bin/sh
# The same sources, compiled in two folders of different names and depths, give the same library to
# the byte, once its debugging information is stripped. Unoptimised and without the static library if CHECK_LONG
# is "short". Ends with 77 without strip, and where the linker knows
# no build-id.
set -u
. "$srcdir/tests/long/instrumented.sh"

command -v strip >/dev/null || skip "there is no strip (Debian: binutils)"
can_link "${CC:-cc}" -Wl,--build-id=none || skip "${CC:-cc} cannot link with -Wl,--build-id=none"
# The linker's build-id is a hash of debug information too, which names the folders and is stripped.
set -- CFLAGS="${REPRODUCIBLE_CFLAGS:-$(optimised -O1) -g}" LDFLAGS=-Wl,--build-id=none
[ "${CHECK_LONG-}" != short ] || set -- "$@" --disable-static
configure_copy "$@" || exit 1
mkdir -p "$folder/elsewhere/deeper"
cp -R "$folder/source" "$folder/elsewhere/deeper/copy"
mkdir "$folder/elsewhere/deeper/copy/objects"
(cd "$folder/elsewhere/deeper/copy/objects" &&
    ../configure --quiet "$@") >>"$folder/log" 2>&1 ||
    { tail -n 30 "$folder/log"; exit 1; }

# library FOLDER: builds it there and strips it
library() {
    "$MAKE" -s -j2 -C "$1" libautograd.la >>"$folder/log" 2>&1 ||
        { tail -n 30 "$folder/log" >&2; return 1; }
    for file in "$1"/.libs/libautograd.so.*.*.* "$1/.libs/libautograd.a"; do
        [ ! -f "$file" ] || strip --strip-debug --enable-deterministic-archives "$file" || return 1
    done
}

library "$folder/build" && library "$folder/elsewhere/deeper/copy/objects" || exit 1
compared=0 bytes=0
for file in "$folder"/build/.libs/libautograd.so.*.*.* "$folder/build/.libs/libautograd.a"; do
    [ -f "$file" ] || continue
    cmp "$file" "$folder/elsewhere/deeper/copy/objects/.libs/$(basename "$file")" || exit 1
    compared=$((compared + 1)) bytes=$((bytes + $(wc -c <"$file")))
done
echo "$bytes bytes of libraries are the same from two folders"
[ "$compared" -gt 0 ]
