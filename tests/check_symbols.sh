#!/bin/sh
# The library has no means to end its host or to speak in its place: it imports none of the functions
# that do so. All its memory comes from one place, where the host can replace it.
#
# srcdir: the source tree. AG_SHARED_LIBRARY: the built library; empty if no shared one is built.
set -u
LC_ALL=C
export LC_ALL

srcdir=${srcdir:-.}
. "$srcdir/tests/expect.sh"

# Ends the process: directly, by a signal, or by jumping elsewhere.
ends='abort exit _exit _Exit quick_exit __assert_fail __assert __assert_perror_fail err errx verr verrx
error error_at_line raise kill tgkill killpg pthread_kill pthread_exit pthread_cancel longjmp _longjmp
siglongjmp __longjmp_chk execve execv execvp posix_spawn system fork vfork __fatal_error
__cxa_throw __cxa_rethrow _Unwind_RaiseException _ZSt9terminatev'

# Writes to the host's streams or log, or changes what belongs to the whole process.
speaks='printf vprintf fprintf vfprintf dprintf vdprintf puts fputs putchar putc fputc _IO_putc perror
psignal fwrite fflush __printf_chk __vprintf_chk __fprintf_chk __vfprintf_chk __dprintf_chk warn warnx
syslog __syslog_chk stdout stderr stdin getchar signal sigaction sigprocmask pthread_sigmask setlocale
setenv putenv unsetenv atexit __cxa_atexit alarm setitimer chdir umask srand rand strerror strtok'

# Memory whose failure a program cannot see, or that the host cannot replace.
hides='alloca malloc calloc realloc reallocarray strdup strndup asprintf vasprintf __asprintf_chk
posix_memalign memalign valloc getline getdelim fopen fopen64 fdopen freopen gzopen gzopen64 gzread mmap
sbrk brk __tls_get_addr'

# refuse WHY NAME...: counts each of these names that the library does not import
refuse() {
    why=$1
    shift
    for name in "$@"; do
        expect "the library imports $name, which $why" lacks "$name"
    done
}

lacks() {
    ! printf '%s\n' "$imported" | grep -Fqx -e "$1"
}

check_imports() {
    imported=$(nm -D --undefined-only "$AG_SHARED_LIBRARY" |
        awk '{ sub(/@.*/, "", $NF); print $NF }')
    expect "$AG_SHARED_LIBRARY: imports nothing" test -n "$imported"
    if printf '%s\n' "$imported" | grep -Eq '^__(asan|tsan|ubsan|msan|gcov)_'; then
        echo "skipped: instruments import what they need"
        return
    fi
    refuse "ends the process" $ends
    refuse "belongs to the host" $speaks
    refuse "takes memory past ag_set_allocator" $hides
}

# ---- sources: memory is asked for in one file ----

calls_allocator() {
    grep -lE '(^|[^a-z_.>])(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|free) ?\(' "$@"
}

elsewhere=$(calls_allocator "$srcdir"/src/*/*.[ch] "$srcdir"/src/*/*/*.[ch] |
    grep -v '/src/core/allocator\.c$')
expect "takes memory past src/core/allocator.c:
$elsewhere" test -z "$elsewhere"

# ---- the built library ----

check_library check_imports

report
