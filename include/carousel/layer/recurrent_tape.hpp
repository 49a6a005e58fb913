// RecurrentTape: what one pass of a recurrent layer remembers.
#pragma once

#include "carousel/kernel/pass.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// The pass' memory, a view of x, the masks of the noise, and for ragged batches a copy of the output. Reused, it keeps its
/// memory.
template <Cell C>
class RecurrentTape {
  public:
    using Scalar = typename C::Scalar;

    /// The last pass' output. Throws std::logic_error if there is none.
    SequenceView<Scalar> output() const {
        record_.require_pass("RecurrentTape::output");
        const kernel::PassShape& shape = pass_.plan();
        return {ragged() ? y_.data() : pass_.output(), shape.hidden, shape.steps, shape.batch, lengths_};
    }

  private:
    template <Cell, Index, Index>
    friend class Recurrent;

    bool ragged() const { return !lengths_.empty(); }

    /// The generator of the masks.
    Random& masks(std::uint64_t seed) {
        if (!random_)
            random_.emplace(seed);
        return *random_;
    }

    /// Draws the masks of a pass that is recorded; one that isn't has no dropout and the mean of zoneout. A tape's first pass
    /// draws from `seed`, the following ones go on from there.
    void draw_noise(const kernel::PassShape& shape, double recurrent_dropout,
                    const std::array<double, C::states>& zoneout, std::uint64_t seed) {
        const bool zones = *std::max_element(zoneout.begin(), zoneout.end()) > 0;
        drops_ = shape.record && recurrent_dropout > 0;
        draws_zoneout_ = shape.record && zones;
        rates_ = zones ? zoneout : std::array<double, C::states>{};
        const auto draw = [&](Buffer<Scalar>& mask, Index size, double rate, Scalar hit, Scalar miss) {
            Random& random = masks(seed);
            Scalar* const numbers = mask.get(size);
            for (Index k = 0; k < size; ++k)
                numbers[k] = random.uniform() < rate ? hit : miss;
        };
        const Index size = shape.hidden * shape.batch;
        if (drops_)
            draw(h_mask_, size, recurrent_dropout, 0, Scalar(1 / (1 - recurrent_dropout)));
        for (int s = 0; draws_zoneout_ && s < C::states; ++s)
            draw(keep_[s], size * shape.steps, rates_[static_cast<std::size_t>(s)], 1, 0);
    }

    kernel::PassNoise<Scalar, C::states> noise() const {
        kernel::PassNoise<Scalar, C::states> noise;
        noise.h_mask = drops_ ? h_mask_.data() : nullptr;
        for (int s = 0; s < C::states; ++s) {
            noise.rate[s] = Scalar(rates_[static_cast<std::size_t>(s)]);
            noise.zoneout = noise.zoneout || noise.rate[s] > 0;
            noise.keep[s] = draws_zoneout_ ? keep_[s].data() : nullptr;
        }
        return noise;
    }

    /// After the pass: the output past a sequence's end, where h is carried, is zero.
    void cut_output() {
        if (!ragged())
            return;
        const kernel::PassShape& shape = pass_.plan();
        const Index H = shape.hidden, B = shape.batch;
        const Scalar* const h = pass_.output();
        Scalar* const y = y_.get(H * shape.steps * B);
        for (Index t = 0, column = 0; t < shape.steps; ++t)
            for (Index b = 0; b < B; ++b, ++column)
                if (t < lengths_[static_cast<std::size_t>(b)])
                    std::copy_n(h + column * H, H, y + column * H);
                else
                    std::fill_n(y + column * H, H, Scalar(0));
    }

    detail::PassRecord record_;
    kernel::Pass<C> pass_;
    const Scalar* x_ = nullptr;
    std::vector<Index> lengths_; // empty: all sequences are as long as the batch
    Buffer<Scalar> y_;           // of ragged batches; of others the output is a view of h
    // Noise: its masks, and which of them this pass has.
    std::optional<Random> random_;
    Buffer<Scalar> h_mask_, keep_[C::states];
    std::array<double, C::states> rates_{}; // of zoneout; zero where there is none
    bool drops_ = false, draws_zoneout_ = false;
};

} // namespace carousel
