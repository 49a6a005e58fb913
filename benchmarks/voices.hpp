// Voices and as many Streams: an LSTM 1 → H and a Dense layer H → 1, as runners that take turns.
#pragma once

#include "measure.hpp"

#include <carousel/core/random.hpp>
#include <carousel/layer/dense.hpp>
#include <carousel/layer/recurrent.hpp>
#include <carousel/stream/voices.hpp>

#include <cmath>
#include <memory>
#include <vector>

namespace benchmarks {

class VoicesBesideStreams {
    using Model = carousel::Sequential<carousel::LSTM<float>, carousel::Dense<float>>;

    struct Both {
        std::vector<carousel::Stream<Model>> streams;
        carousel::Voices<Model> voices;
        std::vector<float> x, y;

        Both(const Model& model, std::size_t count)
            : streams(count, carousel::Stream{model}), voices(model, static_cast<carousel::Index>(count)), x(count),
              y(count) {
            while (voices.join() != voices.none)
                ;
        }
        void single() {
            for (std::size_t v = 0; v < x.size(); ++v)
                y[v] = streams[v](x[v]);
        }
    };

  public:
    VoicesBesideStreams(carousel::Index hidden, std::size_t count)
        : both_(std::make_shared<Both>(
              Model{carousel::LSTM<float>{1, hidden, {}, {.seed = 1}}, carousel::Dense<float>{hidden, 1, {.seed = 2}}},
              count)) {}

    /// Whether the outputs of 100 samples are alike.
    bool same() const {
        carousel::Random random(3);
        for (int t = 0; t < 100; ++t) {
            for (float& sample : both_->x)
                sample = static_cast<float>(random.uniform(-1, 1));
            both_->single();
            const auto all = both_->voices(both_->x);
            for (std::size_t v = 0; v < both_->x.size(); ++v)
                if (!(std::abs(all[v] - both_->y[v]) < 1e-5F))
                    return false;
        }
        return true;
    }

    /// One call is a sample of every voice.
    std::vector<Runner> runners() const {
        return {{"Voices", [both = both_] { both->voices(both->x); }}, {"Streams", [both = both_] { both->single(); }}};
    }

  private:
    std::shared_ptr<Both> both_;
};

} // namespace benchmarks
