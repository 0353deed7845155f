// torch.cpp: the worker of `make bench-peers` that times libtorch as a competent user writes it.
#include <torch/torch.h>
#include <torch/version.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "peers/protocol.h"
#include "support/timing.h"

using torch::Tensor;

namespace
{

// ---- losses ----

using Inputs = std::vector<Tensor>;

// What the last input is, if it has not the shape of the first.
enum class Last { like_first, number_of_row, class_of_row, list_of_row, sequences };

struct Loss {
    const char *name;
    int num_inputs, num_differentiable;
    Tensor (*apply)(const Inputs &x, double parameter);
    Last last = Last::like_first;
};

// A loss that libtorch does not have stands here in several ways of writing it; the fastest counts.
const Loss losses[] = {
    {"mse_loss", 2, 1, [](const Inputs &x, double) { return torch::mse_loss(x[0], x[1]); }},
    {"l1_loss", 2, 1, [](const Inputs &x, double) { return torch::l1_loss(x[0], x[1]); }},
    {"huber_loss", 2, 1,
     [](const Inputs &x, double delta) {
         return torch::huber_loss(x[0], x[1], at::Reduction::Mean, delta);
     }},
    {"bce_loss", 2, 1,
     [](const Inputs &x, double) { return torch::binary_cross_entropy(x[0], x[1]); }},
    {"bce_with_logits_loss", 2, 1,
     [](const Inputs &x, double) { return torch::binary_cross_entropy_with_logits(x[0], x[1]); }},
    {"cross_entropy_loss", 2, 1,
     [](const Inputs &x, double) { return torch::cross_entropy_loss(x[0], x[1]); }},
    {"cross_entropy_labels_loss", 2, 1,
     [](const Inputs &x, double) { return torch::cross_entropy_loss(x[0], x[1]); },
     Last::class_of_row},
    {"nll_loss", 2, 1, [](const Inputs &x, double) { return -(x[0] * x[1]).sum(1).mean(); }},
    {"nll_loss", 2, 1,
     [](const Inputs &x, double) { return (x[0] * x[1]).sum() * (-1.0 / x[0].size(0)); }},
    {"nll_labels_loss", 2, 1, [](const Inputs &x, double) { return torch::nll_loss(x[0], x[1]); },
     Last::class_of_row},
    {"kl_div_loss", 2, 1,
     [](const Inputs &x, double) { return torch::kl_div(x[0], x[1], at::Reduction::Mean); }},
    {"hinge_loss", 2, 1,
     [](const Inputs &x, double) { return (1 - x[0] * x[1]).clamp_min(0).mean(); }},
    {"hinge_loss", 2, 1,
     [](const Inputs &x, double) { return torch::relu(1 - x[0] * x[1]).mean(); }},
    {"l2_loss", 1, 1, [](const Inputs &x, double) { return 0.5 * x[0].pow(2).mean(); }},
    {"l2_loss", 1, 1, [](const Inputs &x, double) { return 0.5 * (x[0] * x[0]).mean(); }},
    {"l1_regularization", 1, 1, [](const Inputs &x, double) { return x[0].abs().mean(); }},
    {"cosine_embedding_loss", 3, 2,
     [](const Inputs &x, double margin) {
         return torch::cosine_embedding_loss(x[0], x[1], x[2], margin);
     },
     Last::number_of_row},
    {"triplet_loss", 3, 3,
     [](const Inputs &x, double margin) {
         return torch::triplet_margin_loss(x[0], x[1], x[2], margin);
     }},
    {"smooth_l1_loss", 2, 1,
     [](const Inputs &x, double beta) {
         return torch::smooth_l1_loss(x[0], x[1], at::Reduction::Mean, beta);
     }},
    {"soft_margin_loss", 2, 1,
     [](const Inputs &x, double) { return torch::soft_margin_loss(x[0], x[1]); }},
    {"hinge_embedding_loss", 2, 1,
     [](const Inputs &x, double margin) {
         return torch::hinge_embedding_loss(x[0], x[1], margin);
     }},
    {"margin_ranking_loss", 3, 2,
     [](const Inputs &x, double margin) {
         return torch::margin_ranking_loss(x[0], x[1], x[2], margin);
     }},
    {"poisson_nll_loss", 2, 1,
     [](const Inputs &x, double) {
         return torch::poisson_nll_loss(x[0], x[1], true, false, 1e-8, at::Reduction::Mean);
     }},
    // Python's, which the C++ interface lacks.
    {"gaussian_nll_loss", 3, 2,
     [](const Inputs &x, double) {
         Tensor variance = x[1].clone();
         {
             torch::NoGradGuard constant;
             variance.clamp_min_(1e-6);
         }
         return 0.5 * (variance.log() + (x[0] - x[2]).pow(2) / variance).mean();
     }},
    {"multilabel_soft_margin_loss", 2, 1,
     [](const Inputs &x, double) {
         return torch::nn::functional::multilabel_soft_margin_loss(x[0], x[1]);
     }},
    {"multi_margin_loss", 2, 1,
     [](const Inputs &x, double margin) { return torch::multi_margin_loss(x[0], x[1], 1, margin); },
     Last::class_of_row},
    {"multilabel_margin_loss", 2, 1,
     [](const Inputs &x, double) { return torch::multilabel_margin_loss(x[0], x[1]); },
     Last::list_of_row},
    {"ctc_loss", 2, 1,
     [](const Inputs &x, double) {
         std::vector<int64_t> frames(CTC_SEQUENCES, x[0].size(0) / CTC_SEQUENCES);
         std::vector<int64_t> labels(CTC_SEQUENCES, x[1].size(0) / CTC_SEQUENCES);
         Tensor log_probs = x[0].view({frames[0], CTC_SEQUENCES, -1}).log_softmax(2);
         return torch::ctc_loss(log_probs, x[1].view({CTC_SEQUENCES, -1}), frames, labels);
     },
     Last::sequences},
};

struct LossRun {
    loss_cell cell{};
    Inputs inputs;
    const Loss *loss = nullptr;
    double value = 0, slope = 0; // slope: the sum of |gradient|
};

const Loss *find_loss(const char *name)
{
    for (const Loss &loss : losses)
        if (std::strcmp(loss.name, name) == 0) return &loss;
    return nullptr;
}

Tensor run_once(LossRun &run)
{
    for (int i = 0; i < run.loss->num_differentiable; i++)
        run.inputs[i].mutable_grad().reset();
    Tensor value = run.loss->apply(run.inputs, run.cell.parameter);
    value.backward();
    return value;
}

void run_loss(void *context)
{
    run_once(*static_cast<LossRun *>(context));
}

std::vector<int64_t> shape_of(Last what, const loss_cell &cell)
{
    switch (what) {
    case Last::number_of_row:
    case Last::class_of_row: return {cell.rows};
    case Last::sequences: return {cell.rows / CTC_FRAMES_PER_LABEL};
    default: return {cell.rows, cell.columns};
    }
}

// Copies the inputs, so that they lie in memory of the allocator in use.
Inputs copy_inputs(const Loss &loss, const loss_cell &cell, float *memory)
{
    Inputs inputs;
    for (int i = 0; i < loss.num_inputs; i++) {
        Last what = i + 1 == loss.num_inputs ? loss.last : Last::like_first;
        Tensor input = torch::empty(shape_of(what, cell));
        input.copy_(torch::from_blob(memory, input.sizes()));
        memory += input.numel();
        bool numbers = what == Last::like_first || what == Last::number_of_row;
        if (!numbers) input = input.to(torch::kLong);
        inputs.push_back(input.requires_grad_(i < loss.num_differentiable));
    }
    return inputs;
}

void prepare_loss(LossRun &run, const loss_cell &cell, float *memory)
{
    run = LossRun();
    run.loss = find_loss(cell.name);
    run.inputs = copy_inputs(*run.loss, cell, memory);
    run.cell = cell;
    run.value = run_once(run).item<double>();
    for (int i = 0; i < run.loss->num_differentiable; i++)
        run.slope += run.inputs[i].grad().abs().sum(torch::kDouble).item<double>();
}

bool same_inputs(const loss_cell &a, const loss_cell &b)
{
    return std::strcmp(a.name, b.name) == 0 && a.rows == b.rows && a.columns == b.columns;
}

measurement time_ways(LossRun &run)
{
    measurement best = {true, 0, run.value, run.slope, ""};
    for (const Loss &loss : losses) {
        if (std::strcmp(loss.name, run.cell.name) != 0) continue;
        run.loss = &loss;
        double seconds = median_time(run_loss, &run, LOSS_SECONDS);
        if (best.seconds == 0 || seconds < best.seconds) best.seconds = seconds;
    }
    return best;
}

measurement time_loss(const loss_cell *cell, float *memory)
try {
    static LossRun run;
    if (find_loss(cell->name) == nullptr) return failed_measurement("libtorch has no such loss");
    at::set_num_threads(cell->threads);
    if (!same_inputs(run.cell, *cell)) prepare_loss(run, *cell, memory);
    return time_ways(run);
} catch (const std::exception &error) {
    return failed_measurement(error.what());
}

// ---- training ----

struct TrainingRun {
    training_cell cell;
    Tensor images, labels;
    torch::nn::Sequential network;
    std::unique_ptr<torch::optim::AdamW> optimizer;
    int64_t position = 0; // the image at which the next batch starts

    TrainingRun(const training_cell &wanted, void *memory) : cell(wanted)
    {
        training_data data = locate_training_data(&cell, memory);
        images = torch::from_blob(data.images, {cell.images, cell.widths[0]});
        labels = torch::from_blob(data.labels, {cell.images}, torch::kLong);
        uint32_t width = cell.channels[0] > 0 ? add_convolutions() : cell.widths[0];
        for (int i = 1; i < NUM_WIDTHS; i++) {
            if (cell.widths[i] == 0) continue;
            network->push_back(torch::nn::Linear(width, cell.widths[i]));
            if (i + 1 < NUM_WIDTHS) network->push_back(torch::nn::ReLU());
            width = cell.widths[i];
        }
        auto options = torch::optim::AdamWOptions(1e-3).weight_decay(0.01);
        optimizer = std::make_unique<torch::optim::AdamW>(network->parameters(), options);
    }

    // Returns how many numbers they make of an image.
    uint32_t add_convolutions()
    {
        int64_t side = std::lround(std::sqrt(cell.widths[0]));
        network->push_back(torch::nn::Unflatten(torch::nn::UnflattenOptions(1, {1, side, side})));
        uint32_t in = 1;
        for (uint32_t out : cell.channels) {
            auto options = torch::nn::Conv2dOptions(in, out, CONVOLUTION_WINDOW)
                               .padding(CONVOLUTION_WINDOW / 2);
            network->push_back(torch::nn::Conv2d(options));
            network->push_back(torch::nn::ReLU());
            network->push_back(torch::nn::MaxPool2d(2));
            in = out;
            side /= 2;
        }
        network->push_back(torch::nn::Flatten());
        return in * side * side;
    }
};

// Optimizer::zero_grad fills with zeros in 1.13: an empty gradient saves that, and an addition.
void empty_gradients(TrainingRun &run)
{
    for (auto &group : run.optimizer->param_groups())
        for (Tensor &parameter : group.params())
            parameter.mutable_grad().reset();
}

double train_step(TrainingRun &run)
{
    int64_t batch = run.cell.batch;
    if (run.position + batch > run.cell.images) run.position = 0;
    Tensor images = run.images.narrow(0, run.position, batch);
    Tensor labels = run.labels.narrow(0, run.position, batch);
    Tensor loss = torch::cross_entropy_loss(run.network->forward(images), labels);
    empty_gradients(run);
    loss.backward();
    run.optimizer->step();
    run.position += batch;
    return loss.item<double>();
}

bool same_network(const training_cell &a, const training_cell &b)
{
    return std::memcmp(a.channels, b.channels, sizeof a.channels) == 0 &&
           std::memcmp(a.widths, b.widths, sizeof a.widths) == 0 && a.batch == b.batch;
}

measurement time_training(const training_cell *cell, void *memory)
try {
    static std::unique_ptr<TrainingRun> run;
    if (cell->threads > 0) at::set_num_threads(cell->threads);
    if (run == nullptr || !same_network(run->cell, *cell))
        run = std::make_unique<TrainingRun>(*cell, memory);
    for (int i = 0; i < WARM_STEPS; i++)
        train_step(*run);
    double sum = 0, started = now();
    for (uint32_t i = 0; i < cell->steps; i++)
        sum += train_step(*run);
    return {true, (now() - started) / cell->steps, sum / cell->steps, 0, ""};
} catch (const std::exception &error) {
    return failed_measurement(error.what());
}

} // namespace

int main(int argc, char **argv)
{
    worker_calls calls = {"libtorch " TORCH_VERSION, time_loss, time_training, nullptr};
    return serve(&calls, argc, argv);
}
