// Voices beside as many Streams, which are to say the same.
#pragma once

#include "carousel/stream/voices.hpp"

#include "stream/streams.hpp"

#include <map>
#include <string>
#include <vector>

namespace carousel::test {

template <class S>
std::vector<S> random_samples(Index count, Random& random) {
    const Matrix<S> x = random_matrix<S>(count, 1, random);
    return {x.data(), x.data() + count};
}

/// Voices and, for each of them, a Stream.
template <class Model>
struct Pair {
    using S = typename Model::Scalar;

    const Model& model;
    Voices<Model> voices;
    std::map<Index, Stream<Model>> streams = {};

    Pair(const Model& of, Index capacity) : model(of), voices(of, capacity) {}

    void join() {
        const Index voice = voices.join();
        CHECK((voice == Voices<Model>::none) == (static_cast<Index>(streams.size()) == voices.capacity()));
        if (voice != Voices<Model>::none)
            CHECK(streams.emplace(voice, model).second);
    }
    void leave(Index voice) { CHECK(voices.leave(voice) == (streams.erase(voice) == 1)); }

    /// How far the outputs of a sample of all voices are from those of the streams.
    double step(Random& random) {
        const std::vector<S> x = random_samples<S>(voices.capacity() * voices.input_size(), random);
        const std::span<const S> y = voices(x);
        REQUIRE(static_cast<Index>(y.size()) == voices.capacity() * voices.output_size());
        double worst = 0;
        for (Index v = 0; v < voices.capacity(); ++v)
            worst = std::max(worst, difference_of(v, x.data() + v * voices.input_size(), y.data() + v * y_size()));
        return worst;
    }
    double difference_of(Index voice, const S* x, const S* y) {
        const Eigen::Map<const Vector<S>> ours(y, y_size());
        const auto found = streams.find(voice);
        if (found == streams.end())
            return ours.isZero(0) ? 0 : 1;
        const auto expected = feed(found->second, std::span(x, static_cast<std::size_t>(voices.input_size())));
        return difference(ours, Eigen::Map<const Vector<S>>(expected.data(), y_size()));
    }
    Index y_size() const { return voices.output_size(); }
};

template <class Model>
double after_random_changes(const Model& model, Index capacity, int steps, std::uint64_t seed) {
    Random random(seed);
    Pair<Model> pair{model, capacity};
    double worst = 0;
    for (int t = 0; t < steps; ++t) {
        const auto voice = static_cast<Index>(random.uniform(0, static_cast<double>(capacity)));
        switch (static_cast<int>(random.uniform(0, 6))) {
        case 0:
            pair.leave(voice);
            break;
        case 1:
            CHECK(pair.voices.reset(voice) == (pair.streams.count(voice) == 1));
            if (pair.streams.count(voice) == 1)
                pair.streams.at(voice).reset();
            break;
        case 2:
            break;
        default:
            pair.join();
        }
        CHECK(pair.voices.size() == static_cast<Index>(pair.streams.size()));
        worst = std::max(worst, pair.step(random));
    }
    return worst;
}

template <class C>
void check_cell(C cell, RecurrentOptions options = {}) {
    using S = typename C::Scalar;
    for (const Index hidden : {1, 3, 17, 40}) { // less than a lane, ragged, more than a panel
        Recurrent<C> layer{hidden == 3 ? 5 : 1, hidden, cell, options};
        Random random(78);
        layer.initialize(random);
        layer.each_parameter([&](const std::string&, auto& parameter) {
            parameter.value += random_matrix<S>(parameter.value.rows(), parameter.value.cols(), random, 0.05);
        });
        INFO(layer.name() << ", hidden " << hidden);
        CHECK(after_random_changes(layer, 27, 60, 79) < rounding<S>);
    }
}

} // namespace carousel::test
