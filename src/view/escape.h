/* escape.h: texts within quotes, for Graphviz and JSON. */
#ifndef AG_VIEW_ESCAPE_H
#define AG_VIEW_ESCAPE_H

#include "core/output.h"

/* Writes a text with a backslash before quotes and backslashes; control characters become blanks. */
void ag__output_escaped(ag__output *output, const char *text);

#endif
