// The program of write-a-loss.md.
#include <carousel/carousel.hpp>

#include <cmath>
#include <cstdio>

using namespace carousel;

// The Cauchy loss, which large errors can't dominate: c²/2 · log(1 + (e/c)²), e = y − target. Its gradient is
// e / (1 + (e/c)²). The mean over all real numbers.
struct CauchyLoss {
    double c = 1;

    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        require(y.features() == target.features() && y.steps() == target.steps() && y.batch() == target.batch(),
                "CauchyLoss", "y is ", y.features(), " x ", y.steps(), " x ", y.batch(), ", expected the target's ",
                target.features(), " x ", target.steps(), " x ", target.batch());
        const double divisor = weight(y, target);
        require(divisor > 0, "CauchyLoss", "the batch has no real step, expected at least one");
        if (dy)
            dy->resize(y.features(), y.steps(), y.batch(), y.lengths());
        double sum = 0;
        for (Index t = 0; t < y.steps(); ++t)
            for (Index b = 0; b < y.batch(); ++b)
                for (Index k = 0; k < y.features(); ++k) {
                    const Index at = (t * y.batch() + b) * y.features() + k;
                    const double e = static_cast<double>(y.data()[at]) - static_cast<double>(target.data()[at]);
                    const double bent = 1 + (e / c) * (e / c);
                    const bool real = y.real(t, b); // and not padding
                    sum += real ? c * c / 2 * std::log(bent) : 0;
                    if (dy)
                        dy->data()[at] = static_cast<S>(real ? e / bent / divisor : 0);
                }
        return sum / divisor;
    }

    // What the sum is divided by, so that batches of other sizes are averaged rightly.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>>) const {
        return static_cast<double>(y.features() * y.real_columns());
    }
};
static_assert(Loss<CauchyLoss>);

// A decaying series with a tenth of its values wrong by 20.
template <class LossType>
double error_with(LossType loss) {
    Dataset<float> data{Sequence<float>(1, 10, 200), Sequence<float>(1, 1, 200)};
    Random random(3);
    std::vector<float> truth;
    for (Index b = 0; b < 200; ++b) {
        const double start = random.uniform(-1, 1);
        for (Index t = 0; t < 10; ++t)
            data.x.step(t)(0, b) = static_cast<float>(start * std::pow(0.9, static_cast<double>(t)));
        truth.push_back(static_cast<float>(start * std::pow(0.9, 10)));
        data.y.step(0)(0, b) = truth.back() + (random.uniform(0, 1) < 0.1 ? 20.0f : 0.0f);
    }
    Sequential model{GRU<float>{1, 8, {.seed = 1}}, LastStep{}, Dense<float>{8, 1, {.seed = 2}}};
    fit(model, data, loss, Adam{.learning_rate = 1e-2}, {.epochs = 30, .batch_size = 20, .seed = 1});
    const Sequence<float> y = model(data.x);
    double error = 0;
    for (Index b = 0; b < 200; ++b)
        error += std::abs(static_cast<double>(y.data()[b] - truth[static_cast<std::size_t>(b)])) / 200;
    return error;
}

int main() {
    Sequential model{GRU<double>{2, 4}, Dense<double>{4, 2}};
    Sequence<double> x(2, 6, 3, {6, 2, 4}), target(2, 6, 3); // ragged: padding must have no gradient
    Random random(1);
    initializer::normal(0, 1)(x.values(), 1, 1, random);
    initializer::normal(0, 1)(target.values(), 1, 1, random);
    std::printf("gradients are right to 1e-7: %s\n",
                check_gradients(model, x, target, CauchyLoss{.c = 0.5}).worst < 1e-7 ? "yes" : "no");

    const double squared = error_with(MeanSquaredError{}), cauchy = error_with(CauchyLoss{});
    std::printf("mean error from the truth, squared loss more than 1: %s\n", squared > 1 ? "yes" : "no");
    std::printf("mean error from the truth, Cauchy loss below 0.1: %s\n", cauchy < 0.1 ? "yes" : "no");
}
