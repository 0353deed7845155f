# man.awk: manual pages from the public headers: autograd(3), autograd_HEADER(3) for each header, and for
# each function a page of one line that leads to its header's.
#
# -v folder=WHERE -v version=X.Y.Z; the files are all headers.

# Text as roff wants it: no line begins with a control character, a backslash is one.
function text(line) {
    gsub(/\\/, "\\e", line)
    gsub(/-/, "\\-", line)
    sub(/^[.']/, "\\\\\\&&", line)
    return line
}

function out(line) { print line > page }

function begin_page(name, brief) {
    page = folder "/" name ".3"
    out(".\\\" made by docs/man.awk from include/autograd")
    out(".TH " toupper(name) " 3 \"\" \"libautograd " version "\" \"Library Functions Manual\"")
    out(".nh\n.SH NAME")
    out(name " \\- " text(brief))
}

function end_page() {
    if (page == "") return
    out(".SH RETURN VALUE")
    out("Functions that can fail return")
    out(".B AG_OK")
    out("or another status, or NULL in place of a pointer.")
    out(".B ag_last_error()")
    out("gives the first failure's reason in words; see")
    out(".BR autograd_status (3).")
    out("On failure outputs are untouched. The library never prints, exits or aborts.")
    out(".SH SEE ALSO")
    out(".BR autograd (3)")
    close(page)
    page = ""
}

# A comment's lines: paragraphs, code that is indented, @param and @return.
function write_comment(    i, line, code) {
    code = 0
    for (i = 1; i <= lines; i++) {
        line = comment_line[i]
        if (line ~ /^@param /) {
            sub(/^@param +/, "", line)
            match(line, /^[a-z0-9_]+/)
            out(".TP\n.I " substr(line, 1, RLENGTH))
            line = substr(line, RLENGTH + 1)
            sub(/^ +/, "", line)
            out(line == "" ? "\\&" : text(line))
        } else if (line ~ /@return /) {
            before = line
            sub(/ *@return.*/, "", before)
            if (before != "") out(text(before))
            sub(/.*@return /, "", line)
            out(".TP\nReturns\n" text(line))
        } else if (line ~ /^ *$/) {
            if (code) { out(".fi\n.RE"); code = 0 }
            out(".PP")
        } else if (line ~ /^    / && i > 1 && (code || comment_line[i - 1] ~ /^ *$/)) {
            if (!code) { out(".RS\n.nf"); code = 1 }
            out(text(line))
        } else if (line ~ /^  [^ ]/) {
            out(".TP\n" text(substr(line, 3)))
        } else {
            sub(/^ +/, "", line)
            out(text(line))
        }
    }
    if (code) out(".fi\n.RE")
}

function flush_declaration(    name) {
    if (declaration == "") return
    if (!in_list) out(".PP\n.nf\n.ft B")
    in_list = 1
    printf "%s", declaration > page
    if (match(declaration, /ag_[a-z0-9_]+\(/)) {
        name = substr(declaration, RSTART, RLENGTH - 1)
        print ".so man3/" this ".3" > (folder "/" name ".3")
        close(folder "/" name ".3")
    }
    declaration = ""
}

# What a comment belongs to is complete: its declarations stand before it.
function end_item() {
    flush_declaration()
    if (in_list) out(".ft R\n.fi")
    if (has_doc) { out(".PP"); write_comment() }
    in_list = has_doc = 0
}

FNR == 1 {
    if (page != "") { end_item(); end_page() }
    this = FILENAME
    sub(/.*\//, "", this)
    header = this
    sub(/\.h$/, "", this)
    main = this == "autograd"
    if (!main) this = "autograd_" this
    first_comment = 1
    in_comment = has_doc = in_list = body = 0
    declaration = ""
    if (!main) headers[++count] = this
}

function finish_comment() {
    in_comment = 0
    if (first_comment) {
        brief = comment_line[1]
        for (i = 2; i <= lines && comment_line[i] != ""; i++)
            brief = brief " " comment_line[i]
        sub(/^ *[a-z]+\.h: /, "", brief)
        sub(/\.$/, "", brief)
        briefs[this] = brief
        first_comment = 0
        if (main) return
        begin_page(this, brief)
        out(".SH SYNOPSIS\n.nf\n.B #include <autograd/" header ">\n.PP\n.B cc program.c $(pkg-config \\-\\-cflags \\-\\-libs autograd)\n.fi")
        out(".SH DESCRIPTION")
        return
    }
    if (main) return
    if (!is_doc) { out(".PP"); write_comment() }
    else has_doc = 1
}

main && !first_comment && !in_comment { next }

!in_comment && !body && /^\/\*/ {
    if (!first_comment && !main) end_item()
    in_comment = 1
    is_doc = /^\/\*\*/
    lines = 0
    line = $0
    sub(/^\/\*\*? ?/, "", line)
    ended = sub(/ *\*\/ *$/, "", line)
    if (line != "") comment_line[++lines] = line
    if (ended) finish_comment()
    next
}
in_comment {
    line = $0
    ended = sub(/ *\*\/ *$/, "", line)
    sub(/^ ?\* ?/, "", line)
    if (!(ended && line == "")) comment_line[++lines] = line
    if (ended) finish_comment()
    next
}

/^#|^AG_(BEGIN|END)_DECLS/ && !body { if (/^#define AG_[A-Z_]* / && has_doc == 0 && !/_H$|AG_API|DECLS/) { declaration = text($0) "\n"; flush_declaration() } next }
/^$/ && !body { next }
main { next }

# A declaration, up to its end.
{
    line = $0
    sub(/^AG_API /, "", line)
    if (!body) sub(/^       /, "", line) # as wide as AG_API
    sub(/\/\*\*</, "/*", line)
    if (/^(struct|typedef (struct|enum)).*\{$/) body = 1
    declaration = declaration text(line) "\n"
    if (body ? /^}/ : /;/) {
        body = 0
        flush_declaration()
    }
}

END {
    end_item()
    end_page()
    this = "autograd"
    begin_page(this, "tensors, automatic differentiation and loss functions in C")
    out(".SH SYNOPSIS\n.nf\n.B #include <autograd/autograd.h>\n.PP\n.B cc program.c $(pkg-config \\-\\-cflags \\-\\-libs autograd)\n.fi")
    out(".SH DESCRIPTION\nA graph of operations on float tensors is built in an arena;\n.B ag_backward()\ncarries the gradient of a scalar back to all leaves that want one.\nEach group of functions has a page:")
    for (i = 1; i <= count; i++)
        if (headers[i] in briefs) out(".TP\n.BR " headers[i] " (3)\n" text(briefs[headers[i]]))
    out(".SH EXAMPLE\n.nf\nag_variable *loss = ag_mse_loss(step, prediction, target, AG_REDUCTION_MEAN);\nif (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK)\n    fprintf(stderr, \"%s\\en\", ag_last_error());\nag_arena_reset(step);\n.fi")
    end_page()
}
