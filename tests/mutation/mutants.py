"""Finds the places of a C source where one token can be exchanged for a wrong one."""
import re

TOKEN = re.compile(r'''
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>0[xX][0-9a-fA-F.]+(?:[pP][+-]?\d+)?[uUlLfF]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[uUlLfF]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<symbol><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
''', re.VERBOSE | re.DOTALL)

# What stands between two values, and what to put there instead.
BETWEEN = {
    '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['*'],
    '<': ['<=', '>'], '<=': ['<', '>'], '>': ['>=', '<'], '>=': ['>', '<'],
    '==': ['!='], '!=': ['=='], '&&': ['||'], '||': ['&&'], '&': ['|'], '|': ['&'],
    '<<': ['>>'], '>>': ['<<'], '+=': ['-='], '-=': ['+='], '*=': ['/='], '/=': ['*='],
}
WORDS = {
    'true': 'false', 'false': 'true', 'fmax': 'fmin', 'fmin': 'fmax', 'fabs': '-fabs',
    'INFINITY': '0', 'NAN': '0', 'AG__MAX': 'AG__MIN', 'AG__MIN': 'AG__MAX',
}
TYPES = {'const', 'char', 'int', 'float', 'double', 'void', 'long', 'unsigned', 'size_t', 'struct',
         'bool', 'restrict', 'return', 'sizeof'}
# Settings of speed, not of results.
IGNORED_LINES = re.compile(r'\bnanoseconds = |NANOSECONDS|_COST\b|^\s*#\s*(pragma|include|if|ifdef|ifndef|endif|else|undef)')


def tokens_of(source):
    """Tokens that are neither space nor comment, as (kind, text, offset)."""
    tokens = []
    for match in TOKEN.finditer(source):
        if match.lastgroup != 'comment' and not match.group().isspace():
            tokens.append((match.lastgroup, match.group(), match.start()))
    return tokens


def is_type(word):
    return word in TYPES or word.endswith('_t') or word.startswith('ag_')


def ends_value(token):
    kind, text, _ = token
    return kind == 'number' or text in (')', ']') or (kind == 'word' and not is_type(text))


def wrong_numbers(text):
    """Values near a literal: 0 and 1 exchanged, whole numbers off by one, others by a 2,048th."""
    body = text.rstrip('uUlL') if text[:2].lower() == '0x' and 'p' not in text.lower() \
        else text.rstrip('uUlLfF')
    suffix = text[len(body):]
    is_hex = body[:2].lower() == '0x'
    if '.' in body or (not is_hex and 'e' in body.lower()) or (is_hex and 'p' in body.lower()):
        value = float.fromhex(body) if is_hex else float(body)
        wrong = value * (1 + 2 ** -11) if value != 0 else 1.0
        return [wrong.hex() + suffix]
    value = int(body, 0) if is_hex or body == '0' or not body.startswith('0') else int(body, 8)
    if suffix.lower().startswith('f'):
        return []
    return [str(wrong) + suffix for wrong in ([1] if value == 0 else [value - 1, value + 1])]


def replacements(tokens, i):
    kind, text, _ = tokens[i]
    if kind == 'number':
        return wrong_numbers(text)
    if kind == 'word':
        return [WORDS[text]] if text in WORDS else []
    if kind != 'symbol' or i == 0 or i + 1 == len(tokens):
        return []
    before, after = tokens[i - 1], tokens[i + 1]
    if text in BETWEEN and ends_value(before) and after[1] not in (',', ')', ';'):
        return BETWEEN[text]
    if text == '-' and not ends_value(before):
        return ['']
    if text == '!' and after[0] == 'word':
        return ['']
    return []


def line_at(source, offset):
    start = source.rfind('\n', 0, offset) + 1
    end = source.find('\n', offset)
    return source[start:end if end >= 0 else len(source)]


class Mutant:
    """One exchanged token: the file's path, the whole wrong text, and the line before and after."""

    def __init__(self, path, source, offset, old, new):
        self.path, self.new_source = path, source[:offset] + new + source[offset + len(old):]
        self.line_number = source.count('\n', 0, offset) + 1
        self.before = line_at(source, offset).strip()
        self.after = line_at(self.new_source, offset).strip()

    def key(self):
        return self.path, self.before, self.after

    def operations(self):
        """The operations that the file describes, which alone can come out wrong; none: all can."""
        return re.findall(r'^const ag__op ag__op_(\w+) = ', self.new_source, re.MULTILINE)

    def diff(self):
        return f'{self.path}:{self.line_number}\n  - {self.before}\n  + {self.after}'


def mutants_of(path, source):
    tokens = tokens_of(source)
    found = []
    for i, (_, text, offset) in enumerate(tokens):
        if not IGNORED_LINES.search(line_at(source, offset)):
            found += [Mutant(path, source, offset, text, new) for new in replacements(tokens, i)]
    return found
