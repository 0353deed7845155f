/* autograd.h: all of libautograd. */
#ifndef AUTOGRAD_H
#define AUTOGRAD_H

#include <autograd/activation.h>
#include <autograd/allocator.h>
#include <autograd/api.h>
#include <autograd/arena.h>
#include <autograd/arithmetic.h>
#include <autograd/contrastive.h>
#include <autograd/curvature.h>
#include <autograd/data.h>
#include <autograd/dlpack.h>
#include <autograd/ctc.h>
#include <autograd/fused.h>
#include <autograd/gradcheck.h>
#include <autograd/init.h>
#include <autograd/io.h>
#include <autograd/layer.h>
#include <autograd/loss.h>
#include <autograd/module.h>
#include <autograd/optim.h>
#include <autograd/parallel.h>
#include <autograd/random.h>
#include <autograd/schedule.h>
#include <autograd/status.h>
#include <autograd/tensor.h>
#include <autograd/variable.h>
#include <autograd/view.h>

#endif
