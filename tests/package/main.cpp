// What a user of the installed package, or of the source as a subdirectory, compiles: it trains for a moment,
// and saves and loads where it is given carousel::safetensors.
#include <carousel/carousel.hpp>
#ifdef SAFETENSORS
#    include <carousel/io/safetensors.hpp>
#endif

#include <cmath>
#include <iostream>

int main() {
    using namespace carousel;
    std::vector<float> wave;
    for (int t = 0; t < 300; ++t)
        wave.push_back(std::sin(0.1F * static_cast<float>(t)));
    Sequential model{LSTM<float>{1, 8}, LastStep{}, Dense<float>{8, 1}};
    const auto history =
        fit(model, windows(wave, {.steps = 10}), MeanSquaredError{}, Adam{.learning_rate = 1e-2}, {.epochs = 20});
    const double first = history.epochs.front().loss, last = history.epochs.back().loss;
    std::cout << "carousel " << CAROUSEL_VERSION_MAJOR << '.' << CAROUSEL_VERSION_MINOR << '.' << CAROUSEL_VERSION_PATCH
              << ": loss " << first << " -> " << last << '\n';
#ifdef SAFETENSORS
    save_safetensors("consumer.safetensors", model);
    load_safetensors("consumer.safetensors", model);
#endif
    return last < 0.1 * first ? 0 : 1;
}
