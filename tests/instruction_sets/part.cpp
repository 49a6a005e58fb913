// A part of a program, compiled for the instruction set CAROUSEL_PART: what it trains and streams, as text to the last bit, and one
// thread more for the program.
#include <carousel/carousel.hpp>

#include <cmath>
#include <sstream>
#include <string>

/// A user's, which has one name in all parts.
struct OwnGates : carousel::StandardGates {
    template <class V>
    [[gnu::always_inline]] static V gate(V x) {
        return StandardGates::gate(x + x);
    }
};

std::string CAROUSEL_JOIN(numbers_of_, CAROUSEL_PART)() {
    using namespace carousel;
    std::vector<float> wave;
    for (int t = 0; t < 300; ++t)
        wave.push_back(std::sin(static_cast<float>(t) / 7));
    std::ostringstream out;
    out << std::hexfloat;
    const auto train = [&](auto model) {
        const auto history = fit(model, windows(wave, {.steps = 20}), MeanSquaredError{}, Adam{},
                                 {.epochs = 2, .batch_size = 32, .validation_split = 0.1, .clip_norm = 1.0});
        out << history.epochs.back().loss << ' ';
        Stream stream{model};
        float sum = 0;
        for (const float sample : wave)
            sum += stream(sample);
        out << sum << ' ';
    };
    train(
        Sequential{LSTM<float>{1, 20, {.peephole = true}, {.seed = 1}}, LastStep{}, Dense<float>{20, 1, {.seed = 2}}});
    train(Sequential{GRU<float, 1, 20>{{}, {.seed = 1}}, LastStep{}, Dense<float, 20, 1>{{.seed = 2}}});
    Model<float> model; // behind virtual functions
    model.add(SimpleRNN<float>{1, 9, {}, {.seed = 3}});
    model.add(LastStep{});
    model.add(Dense<float>{9, 1, {.activation = Activation::tanh, .seed = 4}});
    train(model);

    const Sequential own{GRU<float, 1, 20>{{}, {.seed = 5}},
                         LSTM<float, Dynamic, Dynamic, OwnGates>{20, 9, {}, {.seed = 6}},
                         Dense<float, 9, 1>{{.seed = 7}}};
    Stream narrow{own, WeightType::int8, fast_gates};
    Voices voices{own, 3};
    voices.join(), voices.join();
    float sum = 0, sum_of_voices = 0;
    for (const float sample : wave) {
        sum += narrow(sample);
        const float samples[] = {sample, -sample, 0};
        sum_of_voices += voices(samples)[1];
    }
    out << sum << ' ' << sum_of_voices << ' ';
    return out.str();
}

int CAROUSEL_JOIN(one_thread_more_for_, CAROUSEL_PART)() {
    carousel::set_threads(carousel::threads() + 1);
    return carousel::threads();
}
