#!/bin/sh
# What an outsider finds after `make install`: headers that are complete, a library that pkg-config
# leads to, shared and static, from C and from C++, and nothing that is ours alone.
#
# srcdir: the source tree. CC, CXX, PKG_CONFIG: tools. DESTDIR, libdir, includedir: where to.
set -u

root=${DESTDIR-}
libraries=$root$libdir
headers=$root$includedir/autograd
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$srcdir/tests/expect.sh"

# autograd.pc as it is, but for DESTDIR, which it cannot know.
sed "s|^\([a-z_]*\)=/|\1=$root/|" "$libraries/pkgconfig/autograd.pc" >"$folder/autograd.pc" || exit 1
PKG_CONFIG_PATH=$folder${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH

# ask ARGUMENT...: pkg-config about autograd
ask() {
    ${PKG_CONFIG:-pkg-config} "$@" autograd
}

# ---- files ----

for header in "$srcdir"/include/autograd/*.h; do
    expect "$(basename "$header") is not installed, or not this one" \
        cmp -s "$header" "$headers/$(basename "$header")"
done
expect "files that are not public headers were installed" \
    test -z "$(ls "$headers" | grep -v '\.h$')" -a ! -e "$headers/config.h"
expect "autograd.pc is not found" ask --exists
expect "autograd.pc names another version" \
    grep -q "^#define PACKAGE_VERSION \"$(ask --modversion)\"\$" config.h

# ---- programs ----

cat >"$folder/loss.c" <<'END'
#include <autograd/autograd.h>
#include <stdio.h>

int main(void)
{
    const uint32_t shape[] = {2}, scalar[] = {1};
    const float values[] = {1, 2}, zeros[] = {0, 0};
    ag_arena *arena = ag_arena_create(0);
    ag_tensor *pred = ag_tensor_create_from(arena, 1, shape, values);
    ag_tensor *target = ag_tensor_create_from(arena, 1, shape, zeros);
    ag_tensor *loss = ag_tensor_create(arena, 1, scalar);
    if (ag_tensor_mse_loss(loss, pred, target, AG_REDUCTION_MEAN) != AG_OK) return 1;
    printf("%s %g\n", ag_version(), loss->data[0]);
    ag_arena_destroy(arena);
    return 0;
}
END
cp "$folder/loss.c" "$folder/loss.cc"
expected="$(ask --modversion) 2.5"

# builds COMPILER SOURCE FLAG...: whether the program says what it must
builds() {
    compiler=$1
    source=$2
    shift 2
    rm -f "$folder/program"
    $compiler -o "$folder/program" "$folder/$source" "$@" &&
        test "$("$folder/program")" = "$expected"
}

# Whether the program needs the shared library.
is_dynamic() {
    ! command -v ldd >/dev/null || ldd "$folder/program" | grep -q libautograd
}

if [ -e "$libraries/libautograd.so" ] || [ -e "$libraries/libautograd.dylib" ]; then
    for pair in "$CC|loss.c" "$CXX|loss.cc"; do
        expect "${pair%|*} with the shared library" \
            builds "${pair%|*}" "${pair#*|}" $(ask --cflags --libs)
        expect "${pair%|*} linked something else than the shared library" is_dynamic
    done
    if ! srcdir=$srcdir AG_CC=$CC AG_CXX=$CXX AG_FLAGS=$(ask --cflags --libs) \
        sh "$srcdir/tests/check_readme.sh"; then
        failed=$((failed + 1))
    fi
fi

# The archive by its path: beside a shared library -lautograd would find that one.
if [ -e "$libraries/libautograd.a" ]; then
    flags=$(ask --cflags --static --libs | sed "s|-lautograd|$libraries/libautograd.a|")
    for pair in "$CC|loss.c" "$CXX|loss.cc"; do
        expect "${pair%|*} with the static library" builds "${pair%|*}" "${pair#*|}" $flags
        expect "${pair%|*} linked something else than the static library" eval '! is_dynamic'
    done
fi

report
