// The program of train-and-go-on.md.
#include <carousel/carousel.hpp>
#include <carousel/io/training_file.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>

using namespace carousel;

namespace {

auto make_model() {
    return Sequential{LSTM<float>{1, 16, {.seed = 1}}, Dropout{0.1, {.seed = 3}}, LastStep{},
                      Dense<float>{16, 1, {.seed = 2}}};
}

// Trains up to `epochs`, from the file if there is one; ended after `batches` more batches, as a power cut would.
std::vector<Matrix<float>> train(const Dataset<float>& data, const char* path, Index epochs, Index batches) {
    auto model = make_model();
    Training training{model, Adam{.learning_rate = 1e-2}};
    if (std::filesystem::exists(path))
        load_training(path, training);
    const auto power_cut = [&](Progress& progress) {
        if (!progress.epoch_end)
            progress.stop = --batches <= 0;
    };
    fit(training, data, MeanSquaredError{},
        {.epochs = epochs - training.epochs(),
         .batch_size = 32,
         .planned_epochs = epochs,
         .validation_split = 0.2,
         .seed = 1,
         .schedule = CosineAnnealing{},
         .callbacks = {save_training_every(1, path, training), power_cut}});
    std::vector<Matrix<float>> values;
    for (const auto& [name, parameter] : parameters(model))
        values.push_back(parameter->value);
    return values;
}

} // namespace

int main() {
    std::vector<float> wave;
    Random random(1);
    for (int t = 0; t < 500; ++t)
        wave.push_back(static_cast<float>(std::sin(0.1 * t) + 0.1 * random.normal()));
    const Dataset<float> data = windows(wave, {.steps = 20});

    std::filesystem::remove("once.training");
    const auto once = train(data, "once.training", 10, 1000000);
    std::printf("trained at once: %zu arrays of parameters\n", once.size());

    std::filesystem::remove("often.training");
    std::vector<Matrix<float>> often;
    int starts = 0;
    for (bool ended = false; !ended; ++starts) {
        often = train(data, "often.training", 10, 29);
        auto model = make_model();
        Training training{model, Adam{.learning_rate = 1e-2}};
        load_training("often.training", training);
        ended = training.epochs() == 10;
    }
    std::printf("cut off and started again: %d starts, the parameters are %s\n", starts,
                often == once ? "the same, bit for bit" : "others");
}
