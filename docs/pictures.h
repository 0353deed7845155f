/* pictures.h: what the programs of the documentation's pictures and worked examples share. */
#ifndef AG_DOCS_PICTURES_H
#define AG_DOCS_PICTURES_H

#include <autograd/autograd.h>

#include "tensor/op.h"

/* Whether an operation goes element by element; the losses that do not go row by row. */
bool is_elementwise(const ag__op *op);

/* The number next to x that the operation's input may have. */
float fit(const ag__op *op, uint32_t input, float x);

/* A call without inputs, of each element or row; its parameters are 0.5 and 0.25. */
ag__call call_of(const ag__op *op);

/* Writes FOLDER/NAME.svg: value and slope, for one or more targets. Nothing for what has no picture. */
ag_status draw(ag_arena *arena, const char *folder, const ag__op *op);

/* Writes FOLDER/NAME.txt: a call of a loss, with its numbers. */
ag_status write_example(ag_arena *arena, const char *folder, const ag__op *op);

#endif
