/*
 * autoencoder.c: a network squeezes images of 64 pixels through 8 numbers and draws them again from
 * those, much closer to the originals than 8 principal components do. A network without nonlinearities
 * can at best do what those do (P. Baldi and K. Hornik 1989), and is shown beside it.
 */
#include <autograd/autograd.h>

#include <stdio.h>

#include "support/example.h"
#include "support/progress.h"

enum {
    SIDE = 8,
    PIXELS = SIDE * SIDE,
    HIDDEN = 128,
    CODE = 8,
    BATCH = 32,
    EPOCHS = 60,
    SHOWN = 16
};

/* The test images' mean squared error by 8 principal components of the training images (NumPy's svd). */
static const double principal_error = 0.024587;

static ag_arena *permanent, *step;
static ag_random generator;

/* Images [count, PIXELS] with pixels from 0 to 1; NULL on failure. */
static ag_tensor *load(const char *path)
{
    ag_tensor *images = ag_read_idx(permanent, path);
    for (size_t i = 0; images != NULL && i < images->size; i++)
        images->data[i] /= 16;
    if (images == NULL) return NULL;
    return ag_tensor_wrap(permanent, 2, (uint32_t[]){images->shape[0], PIXELS}, images->data);
}

/* The mean squared error of the network's pictures of these images, a node in the step arena. */
static ag_variable *loss_of(ag_module *network, ag_tensor *images)
{
    ag_variable *x = ag_create_leaf(step, images, false);
    return ag_mse_loss(step, ag_module_forward(network, step, x), x, AG_REDUCTION_MEAN);
}

static bool train(const char *title, ag_module *network, ag_tensor *images)
{
    ag_dataset *set = ag_dataset_create(permanent, images, NULL);
    ag_batches *batches = ag_batches_create(permanent, set, BATCH, &generator);
    ag_optimizer *optimizer =
        ag_adamw_create(permanent, ag_module_num_parameters(network),
                        ag_module_parameters(network, permanent), ag_adamw_defaults());
    ag_cosine_schedule rate = {.learning_rate = 3e-3f, .num_steps = EPOCHS};
    progress bar = progress_start(title, EPOCHS);
    for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
        double sum = 0;
        ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&rate, epoch));
        while (ag_next_batch(batches)) {
            ag_optimizer_zero_grad(optimizer);
            ag_variable *loss = loss_of(network, batches->features);
            if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK)
                return false;
            sum += (double)loss->data->data[0] * batches->count;
            ag_arena_reset(step);
        }
        char details[48];
        snprintf(details, sizeof details, "training error %.5f", sum / images->shape[0]);
        if (progress_is_due(&bar)) progress_draw(&bar, epoch, details);
        if (epoch + 1 == EPOCHS) progress_finish(&bar, details);
    }
    return optimizer != NULL && batches != NULL;
}
/* Rows of images: the originals, and what each network makes of them. */
static ag_status draw(ag_tensor *images, ag_module *network, ag_module *linear)
{
    images = ag_tensor_wrap(step, 2, (uint32_t[]){SHOWN, PIXELS}, images->data + 136 * PIXELS);
    ag_variable *x = ag_create_leaf(step, images, false);
    ag_variable *rows[] = {x, ag_module_forward(network, step, x),
                           ag_module_forward(linear, step, x)};
    ag_variable *all = ag_concat(step, 3, rows, 0);
    all = ag_reshape(step, all, 3, (uint32_t[]){3 * SHOWN, SIDE, SIDE});
    return ag_save_images("autoencoder.png", all != NULL ? all->data : NULL, SHOWN, 6, 0, 1);
}

int main(void)
{
    permanent = ag_arena_create(0);
    step = ag_arena_create(0);
    generator = ag_random_create(1);
    ag_tensor *training = load(EXAMPLE_DATA "/digits/train-images-idx3-ubyte.gz");
    ag_tensor *test = load(EXAMPLE_DATA "/digits/t10k-images-idx3-ubyte.gz");
    ag_module *layers[] = {ag_module_linear(permanent, &generator, PIXELS, HIDDEN, true),
                           ag_module_activation(permanent, "silu", ag_silu),
                           ag_module_linear(permanent, &generator, HIDDEN, CODE, true),
                           ag_module_linear(permanent, &generator, CODE, HIDDEN, true),
                           ag_module_activation(permanent, "silu", ag_silu),
                           ag_module_linear(permanent, &generator, HIDDEN, PIXELS, true),
                           ag_module_activation(permanent, "sigmoid", ag_sigmoid)};
    ag_module *straight[] = {ag_module_linear(permanent, &generator, PIXELS, CODE, true),
                             ag_module_linear(permanent, &generator, CODE, PIXELS, true)};
    ag_module *network = ag_module_sequential(permanent, 7, layers);
    ag_module *linear = ag_module_sequential(permanent, 2, straight);
    if (!train("autoencoder", network, training) || !train("linear network", linear, training))
        return example_failed();

    ag_set_grad_enabled(false);
    ag_variable *error = loss_of(network, test), *linear_error = loss_of(linear, test);
    if (error == NULL || linear_error == NULL || draw(test, network, linear) != AG_OK)
        return example_failed();
    double factor = principal_error / (double)error->data->data[0];
    printf("Mean squared error on new images, from 8 numbers each:\n");
    printf("  autoencoder             %.5f\n", (double)error->data->data[0]);
    printf("  linear network          %.5f\n", (double)linear_error->data->data[0]);
    printf("  8 principal components  %.5f\n", principal_error);
    printf("Picture: autoencoder.png (originals, autoencoder, linear network)\n\n");
    return example_verdict("Principal components' error, over that of the autoencoder", factor,
                           1.7);
}
