// How little is there to write? A noisy wave: train on windows of it, then run the model sample by sample and let it go
// on alone.
#include <carousel/carousel.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace carousel;

int main() {
    const auto sine = [](int t) { return std::sin(2 * std::numbers::pi * t / 80); }; // 80 steps a cycle
    std::vector<float> wave;
    Random random(1);
    for (int t = 0; t < 1000; ++t)
        wave.push_back(static_cast<float>(sine(t) + 0.1 * random.normal()));

    Sequential model{LSTM<float>{1, 32}, LastStep{}, Dense<float>{32, 1}};
    std::fputs(summary(model).c_str(), stderr);
    fit(model, windows(wave, {.steps = 80}), MeanSquaredError{}, Adam{.learning_rate = 1e-2},
        {.epochs = 40,
         .batch_size = 64,
         .validation_split = 0.1,
         .clip_norm = 1.0,
         .schedule = CosineAnnealing{},
         .callbacks = {progress_bar()}});

    Stream stream{model}; // the state of every layer; no allocation from here on
    float next = 0;
    for (float sample : wave)
        next = stream(sample); // it hears the past …
    double error = 0;
    for (int t = 1000; t < 1240; ++t) {
        error += std::pow(static_cast<double>(next) - sine(t), 2) / 240;
        std::printf("%d %.4f %.4f\n", t, sine(t), static_cast<double>(next));
        next = stream(next); // … and its own voice from now on
    }
    std::printf("mse=%.6f\n", error);
}
