/* json.c: strings and whole numbers of JSON (RFC 8259), strictly. */
#include "config.h"

#include "io/json.h"

#include <string.h>

#include "core/status.h"

ag_status ag__json_refuse(const ag__json *json, const char *what)
{
    return ag__fail(AG_ERROR_FORMAT, "%s: %s, byte %zu: %s", json->function, json->name, json->at,
                    what);
}

void ag__json_skip_blanks(ag__json *json)
{
    while (json->at < json->end && memchr(" \t\r\n", json->bytes[json->at], 4) != NULL)
        json->at++;
}

bool ag__json_take(ag__json *json, char c)
{
    ag__json_skip_blanks(json);
    if (json->at >= json->end || json->bytes[json->at] != (unsigned char)c) return false;
    json->at++;
    return true;
}

ag_status ag__json_expect(ag__json *json, char c)
{
    char what[] = "the header's JSON should go on with ' '";
    what[sizeof what - 3] = c;
    return ag__json_take(json, c) ? AG_OK : ag__json_refuse(json, what);
}

ag_status ag__json_whole(ag__json *json, uint64_t *value)
{
    ag__json_skip_blanks(json);
    size_t start = json->at;
    *value = 0;
    for (; json->at < json->end; json->at++) {
        unsigned char c = json->bytes[json->at];
        if (c < '0' || c > '9') break;
        if (*value > (UINT64_MAX - (c - '0')) / 10)
            return ag__json_refuse(json, "a number beyond 64 bits");
        *value = 10 * *value + (c - '0');
    }
    if (json->at == start) return ag__json_refuse(json, "a whole number should come here");
    if (json->at - start > 1 && json->bytes[start] == '0')
        return ag__json_refuse(json, "a number that begins with 0");
    return AG_OK;
}

/* ---- strings ---- */

/* Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing beyond 10FFFF. */
size_t ag__utf8_length(const unsigned char *bytes, size_t left)
{
    unsigned first = left > 0 ? bytes[0] : 0, lowest = 0x80, highest = 0xbf;
    if (first == 0) return 0;
    if (first < 0x80) return 1;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || length > left) return 0;
    if (first == 0xe0) lowest = 0xa0;
    if (first == 0xed) highest = 0x9f;
    if (first == 0xf0) lowest = 0x90;
    if (first == 0xf4) highest = 0x8f;
    if (bytes[1] < lowest || bytes[1] > highest) return 0;
    for (size_t i = 2; i < length; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xbf) return 0;
    return length;
}

static void put_code_point(ag__json *json, uint32_t point)
{
    unsigned count = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    *json->strings++ = (char)(first[count] | point >> 6 * count);
    while (count-- > 0)
        *json->strings++ = (char)(0x80 | (point >> 6 * count & 0x3f));
}

/* Four hexadecimal digits. */
static bool take_hexadecimal(ag__json *json, uint32_t *value)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    *value = 0;
    for (int i = 0; i < 4; i++, json->at++) {
        const char *digit = json->at < json->end && json->bytes[json->at] != 0
                                ? strchr(digits, json->bytes[json->at])
                                : NULL;
        if (digit == NULL) return false;
        uint32_t index = (uint32_t)(digit - digits);
        *value = *value << 4 | (index < 16 ? index : index - 6);
    }
    return true;
}

/* What follows \u: a code point, or the two halves of one. */
static ag_status take_unicode(ag__json *json)
{
    uint32_t point = 0, low = 0;
    if (!take_hexadecimal(json, &point))
        return ag__json_refuse(json, "four hexadecimal digits should follow \\u");
    if (point >= 0xd800 && point < 0xdc00) {
        bool more = json->end - json->at >= 2 && memcmp(json->bytes + json->at, "\\u", 2) == 0;
        if (more) json->at += 2;
        if (!more || !take_hexadecimal(json, &low) || low < 0xdc00 || low > 0xdfff)
            return ag__json_refuse(json, "half of a surrogate pair");
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    if (point == 0 || (point >= 0xdc00 && point < 0xe000))
        return ag__json_refuse(json, "a character that a name cannot have");
    put_code_point(json, point);
    return AG_OK;
}

/* What follows a backslash. */
static ag_status take_escape(ag__json *json)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    unsigned char c = json->at < json->end ? json->bytes[json->at] : 0;
    const char *letter = c != 0 ? strchr(letters, c) : NULL;
    if (letter == NULL && c != 'u') return ag__json_refuse(json, "an escape that JSON has not");
    json->at++;
    if (letter == NULL) return take_unicode(json);
    *json->strings++ = meant[letter - letters];
    return AG_OK;
}

ag_status ag__json_string(ag__json *json, const char **text)
{
    ag_status status = ag__json_expect(json, '"');
    *text = json->strings;
    while (status == AG_OK) {
        const unsigned char *next = json->bytes + json->at;
        size_t length = ag__utf8_length(next, json->end - json->at);
        if (length == 0 || *next < 0x20)
            return ag__json_refuse(json, json->at >= json->end ? "the text ends within a string"
                                                               : "a string that is no valid UTF-8");
        json->at += length;
        if (*next == '"') break;
        if (*next == '\\') {
            status = take_escape(json);
        } else {
            memcpy(json->strings, next, length);
            json->strings += length;
        }
    }
    *json->strings++ = '\0';
    return status;
}
