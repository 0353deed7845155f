#!/usr/bin/env -S python3 -B
"""Do the tests notice when the library computes something else?

Exchanges single tokens of the laws and the optimisers (tests/mutation/mutants.py), compiles each wrong
file, links it before the library, and runs the tests that should notice. Prints every mutant that
survives. Needs a build folder in which the tests are built, from which it takes all the rest. What survives
there is tried again in a second one, of --enable-sanitizers=address, which notices wrong bounds.
"""
import argparse
import concurrent.futures
import functools
import glob
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mutants import mutants_of  # noqa: E402

# What is mutated, and the programs that should notice, quick ones first. A name may be followed by
# the one case of the program that is run.
LAWS = ['check_gradcheck', 'check_torch', 'check_bad_inputs', 'check_loss_cases',
        'check_ops:accuracy']
PLACES = [
    ('src/tensor/loss/[!c]*.[ch]', ['check_torch_options', *LAWS, 'check_options']),
    ('src/tensor/loss/c[!t]*.[ch]', ['check_torch_options', *LAWS, 'check_options']),
    ('src/tensor/loss/ctc*.[ch]', ['check_ctc', 'check_bad_inputs']),
    ('src/tensor/options.c', ['check_options', 'check_torch_options', 'check_bad_inputs']),
    ('src/tensor/pass.c', ['check_options', 'check_torch_options', 'check_bad_inputs']),
    ('src/tensor/weighted.c', ['check_options', 'check_torch_options', 'check_bad_inputs']),
    ('src/tensor/contrastive/*.[ch]', ['check_contrastive', 'check_bad_inputs']),
    ('src/tensor/curvature/*.[ch]', ['check_curvature', 'check_bad_inputs']),
    ('src/tensor/fused/*.[ch]', ['check_fused', 'check_bad_inputs']),
    ('src/tensor/activation/*.c', ['check_functions', *LAWS]),
    ('src/tensor/softmax_row.[ch]', LAWS),
    ('src/core/elementary.h', ['check_elementary', 'check_core', 'check_torch', 'check_loss_cases',
                               'check_ops:accuracy']),
    ('src/optim/*.[ch]', ['check_optim', 'check_lbfgs', 'check_optim_paths', 'check_bad_inputs']),
]
TESTED_SHARE = 0.95
SMALLEST_SAMPLE = 20  # of fewer mutants a share says nothing: the run shows that the check works


class Build:
    """A build folder in which the library and its tests are compiled; one wrong file goes before."""

    def __init__(self, source_dir, build_dir, folder):
        self.source_dir, self.build_dir, self.folder = source_dir, build_dir, folder
        self.compiler = self.variable('CC')
        self.build_flags = self.variable('CFLAGS')
        self.flags = [*self.build_flags, '-w', '-O1', '-g0', *self.variable('DEFS'),
                      f'-I{build_dir}', f'-I{source_dir}/include', f'-I{source_dir}/src',
                      f'-I{source_dir}/tests', *self.variable('BLAS_CFLAGS'),
                      *self.variable('ZLIB_CFLAGS'), *self.variable('CHECK_CFLAGS'),
                      *self.variable('OPENMP_CFLAGS')]
        self.libraries = [*self.variable('CHECK_LIBS'), *self.variable('BLAS_LIBS'),
                          *self.variable('ZLIB_LIBS'), *self.variable('LIBS'), '-lm']
        self.archives = [os.path.join(build_dir, 'tests/.libs/libsupport.a'),
                         os.path.join(build_dir, '.libs/libinternal.a')]
        self.unfused = self.sources('libunfused_la_SOURCES')
        self.library = self.sources('libinternal_la_SOURCES') + self.unfused
        self.support = self.sources('tests_libsupport_la_SOURCES')
        self.test_objects = {}

    @functools.cache
    def variable(self, name):
        """The words of a variable of the build folder's Makefile."""
        command = ['make', '-s', '--no-print-directory', '-C', self.build_dir,
                   f'--eval=ag-print: ; $(info $({name}))@:', 'ag-print']
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return shlex.split(printed.splitlines()[-1])  # what make says of itself comes before

    def sources(self, name):
        return [word for word in self.variable(name) if word.endswith('.c')]

    def flags_of(self, path):
        if path in self.unfused:
            return self.variable('UNFUSED_CFLAGS')
        if path in self.library:
            return self.variable('KERNEL_CFLAGS')
        return [f'-DTESTS_FOLDER="{self.source_dir}/tests"']

    def compile_command(self, path, source, out, shadow=None):
        first = [f'-I{shadow}'] if shadow else []
        return [*self.compiler, *first, *self.flags, *self.flags_of(path), '-c', source, '-o', out]

    def find_tests(self, tests):
        """Where the objects of the tests lie, by test and source."""
        for test in tests:
            objects = [os.path.join(self.build_dir, path)
                       for path in self.variable(f'tests_{test}_OBJECTS')]
            self.test_objects[test] = dict(zip(self.sources(f'tests_{test}_SOURCES'), objects))
        for path in [*self.archives, *sum((list(o.values()) for o in self.test_objects.values()), [])]:
            if not os.path.exists(path):
                sys.exit(f'mutate: no {path}: build the tests first (make mutation-check does)')

    def dependents(self, header):
        """The sources of library and tests that include a header."""
        own = sum((list(objects) for objects in self.test_objects.values()), [])
        found = []
        for path in sorted({*self.library, *self.support, *own}):
            source = os.path.join(self.source_dir, path)
            command = [*self.compiler, *self.flags, *self.flags_of(path), '-MM', source]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            if header in printed:
                found.append(path)
        return found

    def link(self, test, out, replaced):
        """What is replaced stands before the archives, whose own member is then not taken."""
        own = self.test_objects[test]
        objects = [replaced.get(path, built) for path, built in own.items()]
        objects += [wrong for path, wrong in replaced.items()
                    if path in self.library or path in self.support]
        command = [*self.compiler, *self.build_flags, '-fopenmp', *objects, *self.archives,
                   *self.libraries, '-o', out]
        subprocess.run(command, check=True, stderr=subprocess.PIPE)


class Hunt:
    """Tries mutants against the tests of a build."""

    def __init__(self, build, chosen):
        names = dict.fromkeys(name for _, some in chosen for name in some)
        build.find_tests(sorted({name.partition(':')[0] for name in names}))
        self.build = build
        self.seconds = {}
        self.measuring = threading.Lock()
        self.local = threading.local()
        self.dependents = {path: build.dependents(path)
                           for path in {mutant.path for mutant, _ in chosen}
                           if path.endswith('.h')}

    def folder(self):
        """A folder of this thread's own."""
        if not hasattr(self.local, 'folder'):
            self.local.folder = tempfile.mkdtemp(dir=self.build.folder)
        return self.local.folder

    def run(self, program, case, limit, operations=()):
        """Whether a test program passes within a limit of seconds."""
        # otherwise each test is a process of its own, which outlives the program if it hangs
        environment = dict(os.environ, OMP_NUM_THREADS='2', CK_FORK='no',
                           ASAN_OPTIONS='allocator_may_return_null=1:detect_leaks=0')
        if case:
            environment['CK_RUN_CASE'] = case
        environment.pop('CHECK_OPS', None)
        if operations:
            environment['CHECK_OPS'] = ','.join(operations)
        process = subprocess.Popen([program], cwd=self.build.build_dir, env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        try:
            return process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False

    def limit(self, name):
        """How many seconds a test may take: it must pass on what is right, once, which is timed."""
        with self.measuring:
            if name not in self.seconds:
                test, _, case = name.partition(':')
                program = os.path.join(self.folder(), test)
                self.build.link(test, program, {})
                start = os.times().elapsed
                if not self.run(program, case, 3600):
                    raise SystemExit(f'mutate: {name} fails without any mutation')
                self.seconds[name] = os.times().elapsed - start
                print(f'{name}: {self.seconds[name]:.1f} s', flush=True)
            return 10 + 5 * self.seconds[name]

    def compile(self, mutant):
        """The objects that differ, by path; None if the mutant is no C."""
        folder = self.folder()
        shadow = os.path.join(folder, 'shadow')
        shutil.rmtree(shadow, ignore_errors=True)
        header = mutant.path.endswith('.h')
        wrong = os.path.join(shadow, os.path.relpath(mutant.path, 'src')) if header \
            else os.path.join(folder, 'wrong.c')
        os.makedirs(os.path.dirname(wrong), exist_ok=True)
        with open(wrong, 'w', encoding='utf-8') as file:
            file.write(mutant.new_source)
        objects = {}
        for path in self.dependents[mutant.path] if header else [mutant.path]:
            source = os.path.join(self.build.source_dir, path) if header else wrong
            out = os.path.join(folder, path.replace('/', '_') + '.o')
            command = self.build.compile_command(path, source, out, shadow if header else None)
            command += ['-I' + os.path.join(self.build.source_dir, os.path.dirname(path))]
            if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
                return None
            objects[path] = out
        return objects

    def try_mutant(self, mutant, names):
        """The name of the test that notices; '' if none does; None if it does not compile."""
        objects = self.compile(mutant)
        if objects is None:
            return None
        for name in names:
            test, _, case = name.partition(':')
            limit = self.limit(name)
            program = os.path.join(self.folder(), test)
            self.build.link(test, program, objects)
            if not self.run(program, case, limit, mutant.operations()):
                return name
        return ''


def read_equivalents(path):
    """Triples (path, before, after) of mutants that compute the same, each with its reason."""
    known, entry = {}, {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            word, _, rest = line.strip().partition(' ')
            if word in ('in', '-', '+'):
                entry[word] = rest
            elif word == 'because':
                known[entry['in'], entry['-'], entry['+']] = rest
    return known


def collect(source_dir, pattern):
    """All mutants of the places, each with the names of its tests."""
    found = []
    for place, names in PLACES:
        for full in sorted(glob.glob(os.path.join(source_dir, place))):
            path = os.path.relpath(full, source_dir)
            if pattern in path:
                with open(full, encoding='utf-8') as file:
                    found += [(mutant, names) for mutant in mutants_of(path, file.read())]
    return found


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--source', default='.', help='the source tree')
    parser.add_argument('--build', default='.', help='a configured build folder')
    parser.add_argument('--sanitized', help='another one, with sanitizers, for what survives')
    parser.add_argument('--count', type=int, default=100, help='how many mutants; 0 for all')
    parser.add_argument('--seed', type=int, default=1, help='which ones')
    parser.add_argument('--files', default='', help='only in files whose path contains this')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    return parser.parse_args()


def choose(arguments):
    """A sample, always the same for a seed, without the mutants that are known to be equivalent."""
    here = os.path.dirname(os.path.abspath(__file__))
    equivalents = read_equivalents(os.path.join(here, 'equivalent.txt'))
    everything = collect(arguments.source, arguments.files)
    candidates = [each for each in everything if each[0].key() not in equivalents]
    print(f'{len(everything)} mutants, {len(everything) - len(candidates)} of them equivalent')
    random.Random(arguments.seed).shuffle(candidates)
    return candidates[:arguments.count] if arguments.count else candidates


def report(chosen, verdicts):
    compiled = [(mutant, verdict) for (mutant, _), verdict in zip(chosen, verdicts)
                if verdict is not None]
    survivors = [mutant for mutant, verdict in compiled if verdict == '']
    killed = len(compiled) - len(survivors)
    share = killed / max(len(compiled), 1)
    print(f'{killed} of {len(compiled)} mutants killed, {100 * share:.1f} %; '
          f'{len(chosen) - len(compiled)} did not compile')
    return share >= TESTED_SHARE or len(compiled) < SMALLEST_SAMPLE


def main():
    arguments = parse_arguments()
    source_dir, build_dir = os.path.abspath(arguments.source), os.path.abspath(arguments.build)
    arguments.source = source_dir
    chosen = choose(arguments)
    with tempfile.TemporaryDirectory(prefix='mutation-') as folder:
        hunt = Hunt(Build(source_dir, build_dir, folder), chosen)
        sanitized = arguments.sanitized and Hunt(
            Build(source_dir, os.path.abspath(arguments.sanitized), folder), chosen)

        def examine(each):
            mutant, names = each
            verdict = hunt.try_mutant(mutant, names)
            if verdict == '' and sanitized:
                # a single case looks at values only, and takes minutes with sanitizers
                whole = [name for name in names if ':' not in name]
                verdict = sanitized.try_mutant(mutant, whole)
                if verdict is None:
                    raise SystemExit('mutate: what compiles without sanitizers does not with them')
            outcome = 'does not compile' if verdict is None else f'killed by {verdict}'
            print(f'survived: {each[0].diff()}' if verdict == '' else
                  f'{outcome}: {each[0].path}:{each[0].line_number}', flush=True)
            return verdict

        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            verdicts = list(pool.map(examine, chosen))
    return 0 if report(chosen, verdicts) else 1


if __name__ == '__main__':
    sys.exit(main())
