# doxygen.awk: makes of a public header what Doxygen reads. The headers stay as people read them; this gives
# the first comment to the file, structure to each loss's comment (formula, gradient, shapes, domain), a
# picture and an example where docs/pictures has made one, and one line to the further forms of a loss.
#
# -v pictures=FOLDER  where NAME.svg and NAME.txt are

function strip(line) {
    sub(/^ ?\* ?/, "", line)
    return line
}

function exists(path,    line) {
    if ((getline line < path) < 0) return 0
    close(path)
    return 1
}

# Indices and powers: x_c, Σ_rows, Σ_{c≠y}; e^-|x|, e^(-x t).
function typeset(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    sub(/^-/, "−", text)
    text = raise(bracketed(text))
    gsub(/ - /, " − ", text)
    gsub(/Σ_rows/, "Σ<sub>rows</sub>", text)
    return text
}

# Powers and indices in brackets, which typesetting makes superfluous.
function bracketed(text,    what) {
    gsub(/\^γ/, "<sup>γ</sup>", text)
    while (match(text, /\^\([^()]*\)|_\{[^}]*\}/)) {
        what = substr(text, RSTART + 2, RLENGTH - 3)
        sub(/^-/, "−", what)
        tag = substr(text, RSTART, 1) == "_" ? "sub" : "sup"
        text = substr(text, 1, RSTART - 1) "<" tag ">" what "</" tag ">" substr(text, RSTART + RLENGTH)
    }
    return text
}

# The first character that is not a letter, or a byte of Σ or ), before x_c or e^…
function raise(text,    result, what) {
    result = ""
    while (match(text, /[_^](-?\|[a-z]\||-?[a-zA-Z0-9]\([a-z_]+\)|-?[a-z0-9](_[a-z])?)/)) {
        what = substr(text, RSTART, RLENGTH)
        before = substr(text, 1, RSTART - 1)
        after = substr(text, RSTART + RLENGTH, 1)
        if (after ~ /[A-Za-z0-9_]/ || (what ~ /^_/ && before ~ /[A-Za-z0-9_][A-Za-z]$/)) {
            result = result before what
        } else {
            tag = what ~ /^_/ ? "sub" : "sup"
            what = substr(what, 2)
            sub(/^-/, "−", what)
            if (what ~ /_/) { sub(/_/, "<sub>", what); what = what "</sub>" }
            result = result before "<" tag ">" what "</" tag ">"
        }
        text = substr(text, RSTART + RLENGTH)
    }
    return result text
}

# "Huber loss (P. Huber 1964): formula. Rest" becomes a title, a formula on its own line, the rest and the source.
function with_formula(text,    formula, rest) {
    if (!match(text, /^[A-Z][A-Za-z0-9 (),.;'-]*: /)) return text
    title = substr(text, 1, RLENGTH - 2)
    formula = substr(text, RLENGTH + 1)
    if (match(title, / \(.*[0-9][0-9][0-9][0-9]\)$/)) {
        source = substr(title, RSTART + 2, RLENGTH - 3)
        title = substr(title, 1, RSTART - 1)
    }
    rest = ""
    if (match(formula, /\.( [A-Z]|$)/)) {
        rest = substr(formula, RSTART + 2)
        formula = substr(formula, 1, RSTART - 1)
    }
    return "@brief " title ".\n\n<div class=\"formula\">" typeset(formula) "</div>\n\n" rest
}

# Labels that begin a sentence begin a paragraph of their own.
function with_labels(text,    n, i, labels, label) {
    n = split("Gradient|Shapes|Domain|Kink|Kinks|Options|Failures", labels, "|")
    for (i = 1; i <= n; i++) {
        label = labels[i]
        gsub("(^|[.] )" label "( to [a-z0-9]+)?: ", ".\n\n@par " label "\n&", text)
        gsub("\n([.] )?" label ": ", "\n", text)
        gsub("\n[.] " label " to ", "\nTo ", text)
        gsub("\n[.]\n\n@par", "\n\n@par", text)
    }
    gsub(/[.] Kink at /, ".\n\n@par Kink\nAt ", text)
    gsub(/[.][.]\n/, ".\n", text)
    gsub(/\n(Gradient|Shapes|Domain) to /, "\nTo ", text)
    sub(/^[.]?\n+/, "", text)
    return text
}

# The comment's paragraphs, each on one line, without their stars; code and @-lines as they are.
function flush_paragraph() {
    if (paragraph == "") return
    if (loss) {
        if (paragraphs == 0) paragraph = with_formula(paragraph)
        else if (paragraph !~ /^@/) paragraph = typeset(paragraph)
        sub(/^Gradient: /, "@par Gradient\n", paragraph)
        paragraph = with_labels(paragraph)
    }
    gsub(/\001/, "<code>", paragraph)
    gsub(/\002/, "</code><br>", paragraph)
    if (paragraphs == 0) sub(/^-/, "−", paragraph)
    gsub(/_<loss>/, "\\_<loss>", paragraph)
    gsub(/<loss>_/, "<loss>\\_", paragraph)
    gsub(/<loss>/, "\\&lt;loss\\&gt;", paragraph)
    paragraphs++
    doc = doc paragraph "\n\n"
    paragraph = ""
}

function add_line(line) {
    if (line ~ /^ *$/) {
        flush_paragraph()
        if (code) doc = doc "\n"
    } else if (line ~ /^    / && (paragraph == "" || code)) {
        code = 1
        doc = doc line "\n"
        return
    } else if (line ~ /^  [^ ]/ && !code) {
        flush_paragraph()
        paragraph = "- \001" substr(line, 3) "\002"
    } else if (line ~ /^@/ || (loss && line ~ /^(Gradient|Shapes|Domain|Options)[^.]*: /)) {
        flush_paragraph()
        paragraph = line
    } else {
        sub(/^ +/, "", line)
        paragraph = paragraph (paragraph == "" ? "" : " ") line
    }
    if (line !~ /^ *$/) code = 0
}

function finish_comment() {
    flush_paragraph()
    waiting = doc
    doc = ""
}

# A page for a loss, with all forms of it.
function begin_page(name, title) {
    emit("@defgroup " name " " name "\n@brief " title ".\n@ingroup losses\n@{\n")
    in_page = 1
}

function end_page() {
    if (in_page) emit("@}\n")
    in_page = 0
}

function emit(text) {
    printf "/**\n%s*/\n", text
}

# The name that a prototype declares.
function name_of(line) {
    return match(line, /ag_[a-z0-9_]+\(/) ? substr(line, RSTART, RLENGTH - 1) : ""
}

function pictures_of(name,    base, text, line, path) {
    base = substr(name, 4)
    text = ""
    if (exists(pictures "/" base ".svg")) text = text "@image html " base ".svg\n\n"
    path = pictures "/" base ".txt"
    if (exists(path)) {
        text = text "@par Example\n@code{.unparsed}\n"
        while ((getline line < path) > 0) text = text line "\n"
        close(path)
        text = text "@endcode\n"
    }
    return text
}

# "loss.h: the loss functions" becomes "@brief The loss functions".
function brief_of(line) {
    if (!sub(/^[a-z0-9]+\.h: /, "", line)) return line
    return "@brief " toupper(substr(line, 1, 1)) substr(line, 2)
}

function further_form(name) {
    if (name == "ag_tensor_" base_name) return "The value of " first "() alone, on tensors."
    if (name == "ag_tensor_" base_name "_grad") return "The gradient of " first "() alone, on tensors."
    if (name == "ag_tensor_" base_name "_value_and_grad")
        return "Value and gradient of " first "() in one pass, on tensors."
    if (name ~ /_with$/) return first "() with options; see ag_loss_options."
    return "See " first "(), with which it is documented."
}

FNR == 1 {
    file = FILENAME
    sub(/.*\//, "", file)
    loss = file == "loss.h"
    emit("@file autograd/" file "\n")
    if (loss) emit("@defgroup losses Losses\n@brief A page for each, with formula, curve and example.\n")
}

file == "using.h" && !comment && !/^\/\*/ { print ""; next }

# The list of statuses is expanded in their enum, with each one's text.
/^    X\(AG_[A-Z]+(_[A-Z]+)*, [0-9]+, "/ {
    enumerator = $0
    gsub(/^    X\(|"\).*/, "", enumerator)
    split(enumerator, part, /, "?/)
    text = enumerator
    sub(/^[A-Z_]+, [0-9]+, "/, "", text)
    statuses = statuses "    " part[1] " = " part[2] ", /**< " text " */\n"
    next
}
/^#define AG_STATUS_LIST/ { next }
/^#define AG_STATUS_ENUMERATOR/ { printf "%s", statuses; next }
/AG_STATUS_LIST\(AG|^#undef AG_STATUS/ { next }

# Headings within a header are for its readers alone.
!comment && /^\/\* ---- .* ---- \*\/$/ { next }

# Comments that begin a line: of the file, if a blank line follows; of what follows otherwise.
!comment && /^\/\*/ && !/\*\/ *$/ || (!comment && /^\/\*.*\*\/ *$/) {
    comment = 1
    is_doc = /^\/\*\*/
    doc = paragraph = ""
    paragraphs = code = 0
    line = $0
    sub(/^\/\*\*?/, "", line)
    if (sub(/ *\*\/ *$/, "", line)) comment = 2
    sub(/^ /, "", line)
    if (FNR <= 2) line = brief_of(line)
    add_line(line)
    if (comment == 2) { comment = 0; finish_comment(); pending = 1 }
    next
}
comment {
    line = $0
    ended = sub(/ *\*\/ *$/, "", line)
    line = strip(line)
    if (FNR <= 3) line = brief_of(line)
    add_line(line)
    if (ended) { comment = 0; finish_comment(); pending = 1 }
    next
}

pending && (!is_doc || /^$/) {
    emit("@file autograd/" file "\n\n" waiting)
    pending = 0
}

pending {
    first = name_of($0)
    base_name = substr(first, 4)
    if (loss && first != "") begin_page(base_name, title)
    if (source != "") waiting = waiting "@par Source\n" source ".\n\n"
    emit(waiting (first != "" ? pictures_of(first) : ""))
    title = source = ""
    pending = 0
    in_group = first != ""
    in_prototype = /^AG_API/
    if (/;/) in_prototype = 0
    print
    next
}

in_group && !in_prototype && /^AG_API/ {
    in_prototype = 1
    name = name_of($0)
    if (name != "") emit(further_form(name) "\n")
}
in_prototype && /;/ { in_prototype = 0 }
/^$/ { in_group = 0; end_page() }
{ print }
