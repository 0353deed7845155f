/* escape.c: texts within quotes. */
#include "config.h"

#include "view/escape.h"

void ag__output_escaped(ag__output *output, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') ag__output_text(output, "\\");
        ag__output_bytes(output, (unsigned char)*text < 0x20 ? " " : text, 1);
    }
}
