/* inputs.h: the numbers that losses are compared on, the same for all libraries. */
#ifndef BENCHMARKS_INPUTS_H
#define BENCHMARKS_INPUTS_H

#include "peers/protocol.h"
#include "tensor/op.h"

/*
 * Writes a loss's inputs one after the other, and sets the parameter of the cell. Returns words for
 * them, such as "normal, bits"; NULL if this file does not know the loss.
 */
const char *write_inputs(loss_cell *cell, float *memory);

/* Explains those words, a line each. */
void explain_inputs(void);

/* The most bytes that the inputs of a loss take whose first has this many elements. */
size_t inputs_bytes(size_t elements);

#endif
