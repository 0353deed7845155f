# docs.mk: manual pages, which every build makes and installs, and `make docs`, which needs Doxygen.
# Both are made from the public headers and the guides; what is added there is in them.

dist_doc_DATA = CHANGELOG.md README.md \
	docs/arenas.md \
	docs/choosing-a-loss.md \
	docs/contrastive-memory.svg \
	docs/contrastive.md \
	docs/curvature.md \
	docs/files.md \
	docs/fused-losses.md \
	docs/fused-memory.svg \
	docs/getting-started.md \
	docs/losses.md \
	docs/numerics.md \
	docs/own-op.md \
	docs/porting-from-pytorch.md \
	docs/reliability.md \
	docs/threads.md

EXTRA_DIST += docs/Doxyfile docs/doxygen.awk docs/man.awk docs/pages.awk docs/style.css

# ---- manual pages: autograd(3), one for each header, and for each function a page that leads there ----

man/autograd.3: $(pkginclude_HEADERS) docs/man.awk
	@rm -rf man && $(MKDIR_P) man
	$(AM_V_GEN)files=; for header in $(pkginclude_HEADERS); do \
	    test -f "$$header" || header='$(srcdir)'/$$header; files="$$files $$header"; \
	done; $(AWK) -v folder=man -v version='$(VERSION)' -f '$(srcdir)/docs/man.awk' $$files

all-local: man/autograd.3

install-data-local: man/autograd.3
	$(MKDIR_P) '$(DESTDIR)$(mandir)/man3'
	$(INSTALL_DATA) man/*.3 '$(DESTDIR)$(mandir)/man3'

uninstall-local:
	for page in man/*.3; do rm -f "$(DESTDIR)$(mandir)/man3/$${page#man/}"; done

clean-local:
	rm -rf html man pictures

# ---- HTML ----

EXTRA_PROGRAMS += docs/pictures docs/fused_memory
if HAVE_CHECK
check_PROGRAMS += docs/pictures docs/fused_memory
endif
docs_pictures_CPPFLAGS = $(LIBRARY_CPPFLAGS)
docs_pictures_LDADD = libinternal.la
docs_pictures_SOURCES = docs/pictures.c docs/pictures.h docs/curves.c docs/worked_examples.c
docs_fused_memory_CPPFLAGS = $(LIBRARY_CPPFLAGS)
docs_fused_memory_LDADD = libautograd.la
docs_fused_memory_SOURCES = docs/fused_memory.c

.PHONY: docs
if HAVE_DOXYGEN
docs: docs/pictures$(EXEEXT)
	rm -rf html pictures && $(MKDIR_P) pictures
	./docs/pictures pictures
	cd '$(srcdir)' && { cat docs/Doxyfile && printf '%s\n' \
	    'PROJECT_NUMBER = $(VERSION)' \
	    'INPUT = README.md CHANGELOG.md CONTRIBUTING.md docs include/autograd' \
	    'USE_MDFILE_AS_MAINPAGE = README.md' \
	    'EXAMPLE_PATH = .' \
	    'STRIP_FROM_PATH = . include' \
	    'STRIP_FROM_INC_PATH = include' \
	    'IMAGE_PATH = $(abs_builddir)/pictures docs' \
	    'HTML_EXTRA_STYLESHEET = docs/style.css' \
	    'FILTER_PATTERNS = "*.h=$(AWK) -v pictures=$(abs_builddir)/pictures -f docs/doxygen.awk" "*.md=$(AWK) -f docs/pages.awk"' \
	    'OUTPUT_DIRECTORY = $(abs_builddir)'; } | $(DOXYGEN) -
	@echo "see html/index.html"

html-local: docs
install-html-local: docs
	$(MKDIR_P) '$(DESTDIR)$(htmldir)'
	cp -R html/. '$(DESTDIR)$(htmldir)'
else
docs:
	@echo "make docs needs Doxygen (Debian's package doxygen): install it and run ./configure again" >&2
	@false
endif
