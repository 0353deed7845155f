/* options.c: what the command line asks of a training. */
#include "config.h"

#include "support/options.h"

#include <getopt.h>
#include <stdio.h>

#include "support/arguments.h"

static const struct option table[] = {{"data", required_argument, NULL, 'd'},
                                      {"digits", no_argument, NULL, 'D'},
                                      {"epochs", required_argument, NULL, 'e'},
                                      {"batch", required_argument, NULL, 'b'},
                                      {"learning-rate", required_argument, NULL, 'l'},
                                      {"seed", required_argument, NULL, 's'},
                                      {"threads", required_argument, NULL, 't'},
                                      {"output", required_argument, NULL, 'o'},
                                      {"require", required_argument, NULL, 'r'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

void options_print_help(const char *program)
{
    printf("Usage: %s [OPTION]...\n"
           "Trains a network with two hidden layers on Fashion-MNIST, or on handwritten digits\n"
           "where that is not installed, and shows how well it recognises the test images.\n"
           "\n"
           "  --data DIR            use the four files of MNIST or its kin in this folder\n"
           "  --digits              use the digits that come with this program\n"
           "  --epochs N            how often to go through the images (5; for few images 10)\n"
           "  --batch N             images per step (128; for few images 32)\n"
           "  --learning-rate X     AdamW's in the first step, from where it falls to 0 (0.002)\n"
           "  --seed N              for the first weights and the order of the images (1)\n"
           "  --threads N           0 for as many as OpenMP would use (0)\n"
           "  --output FILE         where to draw the learning curves (training.svg)\n"
           "  --require PERCENT     fail if the test accuracy is lower (0)\n"
           "  --help                show this text\n",
           program);
}

static bool take_name(const char *program, const char *option, const char *text, const char **name)
{
    if (text[0] == '\0')
        fprintf(stderr, "%s: %s needs a name, not \"\"\n", program, option);
    else
        *name = text;
    return text[0] != '\0';
}

static bool take_option(const char *program, int letter, const char *text,
                        training_options *options)
{
    switch (letter) {
    case 'h': return options->help = true;
    case 'D': return options->digits = true;
    case 'd': return take_name(program, "--data", text, &options->data);
    case 'o': return take_name(program, "--output", text, &options->output);
    case 'e': return argument_whole(program, "--epochs", text, 1, 10000, &options->epochs);
    case 'b': return argument_whole(program, "--batch", text, 1, 100000, &options->batch);
    case 's': return argument_whole(program, "--seed", text, 0, UINT64_MAX, &options->seed);
    case 't': return argument_whole(program, "--threads", text, 0, 1024, &options->threads);
    case 'l':
        return argument_real(program, "--learning-rate", text, 0.0, 1.0, &options->learning_rate);
    case 'r': return argument_real(program, "--require", text, 0.0, 100.0, &options->required);
    default: return false; /* getopt has already said why */
    }
}

bool options_read(const char *program, int argc, char **argv, training_options *options)
{
    *options = (training_options){.output = "training.svg", .seed = 1, .learning_rate = 2e-3};
    for (int letter; (letter = getopt_long(argc, argv, "", table, NULL)) != -1;)
        if (!take_option(program, letter, optarg, options)) return false;
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument \"%s\"\n", program, argv[optind]);
        return false;
    }
    if (options->digits && options->data != NULL) {
        fprintf(stderr, "%s: --digits and --data exclude each other\n", program);
        return false;
    }
    return true;
}
