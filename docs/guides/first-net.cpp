// The program of first-net.md.
#include <carousel/carousel.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace carousel;

int main() {
    const auto sine = [](int t) { return std::sin(2 * std::numbers::pi * t / 80); };
    std::vector<float> wave;
    Random random(1);
    for (int t = 0; t < 1000; ++t)
        wave.push_back(static_cast<float>(sine(t) + 0.1 * random.normal()));

    const Dataset<float> data = windows(wave, {.steps = 40, .stride = 2});
    std::printf("%td windows of %td steps, %td feature\n", data.size(), data.x.steps(), data.x.features());

    Sequential model{LSTM<float>{1, 24, {.seed = 1}}, LastStep{}, Dense<float>{24, 1, {.seed = 2}}};
    std::printf("%s", summary(model).c_str());

    const History history = fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2},
                                {.epochs = 40,
                                 .batch_size = 32,
                                 .validation_split = 0.1,
                                 .seed = 1,
                                 .clip_norm = 1.0,
                                 .schedule = CosineAnnealing{}});
    for (const std::size_t k : {0, 9, 19, 39})
        std::printf("epoch %2zu: loss %.3f, validation %.3f\n", k + 1, history.epochs[k].loss,
                    history.epochs[k].validation_loss);

    Stream stream{model};
    float next = 0;
    for (const float sample : wave)
        next = stream(sample);
    double error = 0;
    for (int t = 1000; t < 1080; ++t) {
        error += std::pow(static_cast<double>(next) - sine(t), 2) / 80;
        next = stream(next);
    }
    std::printf("alone for a cycle, its mean squared error is below 0.02: %s\n", error < 0.02 ? "yes" : "no");
}
