// A small net, its data, and data that say when they are read.
#pragma once

#include "compiled_once.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/mpi/fit.hpp"
#include "carousel/optim/adam.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

namespace carousel::test {

using Net = Sequential<LSTM<double>, Dense<double>>;

inline Net net(std::uint64_t seed = 1) {
    Net model{LSTM<double>{2, 5}, Dense<double>{5, 1}};
    Random random(seed);
    model.initialize(random);
    return model;
}

/// The largest |a − b| over the largest |b|; infinite if the numbers of numbers differ.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
    double error = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity(), scale = 0;
    for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k) {
        error = std::max(error, std::isfinite(a[k]) ? std::abs(a[k] - b[k]) : std::numeric_limits<double>::infinity());
        scale = std::max(scale, std::abs(b[k]));
    }
    return error > 0 ? error / scale : 0;
}

/// Ragged sequences with a target for each step.
inline Dataset<double> data(Index samples = 23, Index steps = 7) {
    Random random(40);
    Dataset<double> all{Sequence<double>(2, steps, samples), Sequence<double>(1, steps, samples)};
    for (Sequence<double>* const sequence : {&all.x, &all.y})
        for (Index k = 0; k < sequence->values().size(); ++k)
            sequence->data()[k] = random.normal();
    std::vector<Index> lengths;
    for (Index k = 0; k < samples; ++k)
        lengths.push_back(k % 6 == 5 ? steps : 1 + (3 * k) % steps);
    all.x.set_lengths(lengths);
    all.y.set_lengths(lengths);
    return all;
}

/// The same samples, each batch of which is told by its number before it is made.
struct Watched {
    using Scalar = double;

    Dataset<double> all;
    std::function<void(Index)> watch;
    mutable Index calls = 0;

    Index size() const { return all.size(); }
    SampleShape shape() const { return all.shape(); }
    std::span<const Index> x_lengths() const { return all.x.lengths(); }
    std::span<const Index> y_lengths() const { return all.y.lengths(); }
    void fill(std::span<const Index> samples, Sequence<double>& x, Sequence<double>& y) const {
        watch(calls++);
        for (std::size_t b = 0; b < samples.size(); ++b)
            for (const auto& [from, to] : {std::pair{&all.x, &x}, std::pair{&all.y, &y}})
                for (Index t = 0; t < to->steps(); ++t)
                    to->step(t).col(static_cast<Index>(b)) = from->step(t).col(samples[b]);
    }
};

} // namespace carousel::test
