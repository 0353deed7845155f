# pages.awk: makes of a Markdown file what Doxygen reads: links between files lead to its pages, and
# headings have anchors. The files stay as people read them.
FNR == 1 {
    page = tolower(FILENAME)
    gsub(/.*\/|\.md$/, "", page)
}

# An anchor for each heading, as GitHub makes them, with the page's name, as Doxygen knows only one of a name.
/^##+ / {
    anchor = tolower($0)
    gsub(/^#+ |[^a-z0-9 -]/, "", anchor)
    sub(/^#+ /, "", anchor)
    gsub(/ /, "-", anchor)
    if (!($0 ~ /\{#/) && anchor ~ /^[a-z]/) $0 = $0 " {#" page "-" anchor "}"
}

{
    gsub(/\]\(#/, "](#" page "-")
    # What is no page.
    gsub(/\[LICENSE\]\(LICENSE\)/, "LICENSE")
    gsub(/\[examples\/[^]]*\]\(/, "`&")
    while (match($0, /`\[examples\/[^]]*\]\([^)]*\)/)) {
        link = substr($0, RSTART + 2, RLENGTH - 2)
        sub(/\].*/, "", link)
        match($0, /`\[examples\/[^]]*\]\([^)]*\)/)
        $0 = substr($0, 1, RSTART - 1) "`" link "`" substr($0, RSTART + RLENGTH)
    }
    gsub(/\]\(\.\.\/README\.md\)/, "](README.md)")
    gsub(/\]\(\.\.\/CONTRIBUTING\.md\)/, "](CONTRIBUTING.md)")
    gsub(/\]\(\.\.\/CHANGELOG\.md\)/, "](CHANGELOG.md)")
    while (match($0, /\[`?[a-z0-9_]+\.h`?\]\((\.\.\/)?include\/autograd\/[a-z0-9_]+\.h\)/)) {
        link = substr($0, RSTART, RLENGTH)
        match(link, /[a-z0-9_]+\.h/)
        header = substr(link, RSTART, RLENGTH)
        match($0, /\[`?[a-z0-9_]+\.h`?\]\((\.\.\/)?include\/autograd\/[a-z0-9_]+\.h\)/)
        $0 = substr($0, 1, RSTART - 1) "@ref autograd/" header " \"" header "\"" substr($0, RSTART + RLENGTH)
    }
    print
}
