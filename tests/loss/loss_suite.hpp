// What every loss must do: what its tests share.
#pragma once

#include "catch.hpp"
#include "support.hpp"

#include "carousel/loss/loss.hpp"

#include <cmath>
#include <limits>

namespace carousel::test {

/// The gradient is that of central differences, 0 in the padding, and without it the loss is the same.
template <class L>
void check_differences(const L& loss, Sequence<double> y, const Sequence<double>& target) {
    Sequence<double> dy;
    const double value = loss(y, target, &dy);
    CHECK(loss(y, target) == value);
    REQUIRE(dy.values().allFinite());
    const double scale = dy.values().cwiseAbs().maxCoeff(), step = 1e-5;
    for (Index k = 0; k < y.values().size(); ++k) {
        const double kept = y.values()(k);
        y.values()(k) = kept + step;
        const double above = loss(y, target);
        y.values()(k) = kept - step;
        const double below = loss(y, target);
        y.values()(k) = kept;
        CHECK(std::abs(dy.data()[k] - (above - below) / (2 * step)) < 1e-6 * scale);
    }
    for (Index t = 0; t < y.steps(); ++t)
        for (Index b = 0; b < y.batch(); ++b)
            if (!y.view().real(t, b))
                CHECK(dy.step(t).col(b).isZero(0));
}

/// Differences, whatever the lengths and the reduction; batches weighted by weight() give the whole; missing targets, padding and
/// weights. `make(reduction, skip_nan)` makes the loss, `target(steps)` draws as many targets for a batch of 2.
template <class Make, class Target>
void check_loss_of_terms(Index outputs, const Make& make, const Target& targets) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    Random random(17);
    const Sequence<double> y = random_sequence<double>(outputs, 4, 2, random);
    const Sequence<double> target = targets(4);
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
        INFO("sum: " << (reduction == Reduction::sum));
        const auto loss = make(reduction, false), skipping = make(reduction, true);
        check_differences(loss, y, target);
        Sequence<double> ragged = y, of_padding = target, dy;
        ragged.set_lengths(std::vector<Index>{4, 1});
        check_differences(loss, ragged, target);
        for (Index t = 1; t < 4; ++t) {
            of_padding.step(t).col(1).setConstant(nan);
            ragged.step(t).col(1).setConstant(nan);
        }
        CHECK(std::isfinite(loss(ragged, of_padding, &dy)));
        CHECK(dy.values().allFinite());

        double sum = 0, weights = 0; // the sequences one by one
        for (const Index first : {0, 2}) {
            const SequenceView<double> part(y.step(first).data(), outputs, 2, 2);
            const SequenceView<double> its_target(target.step(first).data(), target.features(), 2, 2);
            sum += loss.weight(part, its_target) * loss(part, its_target);
            weights += loss.weight(part, its_target);
        }
        const bool mean = reduction == Reduction::mean;
        CHECK((mean ? sum / weights : sum) == Catch::Approx(loss(y, target)));
        CHECK((!mean || weights == loss.weight(y.view(), target)));
        CHECK(loss.check(target.view(), outputs) == loss.weight(y.view(), target));

        // Missing: the same as a loss of all others.
        Sequence<double> gaps = target;
        gaps.values()(0, 1) = nan;
        gaps.step(2).col(1).setConstant(nan);
        check_differences(skipping, y, gaps);
        const double missing = 1 + static_cast<double>(target.features());
        const double all = static_cast<double>(target.values().size());
        CHECK(skipping.weight(y.view(), gaps) ==
              Catch::Approx(mean ? loss.weight(y.view(), target) * (all - missing) / all : 1));
        CHECK(skipping.check(gaps.view(), outputs) == skipping.weight(y.view(), gaps));
        CHECK(skipping(y, target) == loss(y, target));
        Sequence<double> broken = y; // an output without a target may be anything
        broken.step(2).col(1).setConstant(nan);
        CHECK(skipping(broken, gaps, &dy) == skipping(y, gaps));
        CHECK(dy.values().allFinite());
        CHECK_THROWS(loss.check(gaps.view(), outputs));
        gaps.values()(0, 3) = std::numeric_limits<double>::infinity();
        CHECK_THROWS(skipping.check(gaps.view(), outputs));
        gaps.values().setConstant(nan);
        CHECK(skipping.weight(y.view(), gaps) == 0);
        REQUIRE_THROWS_WITH(skipping(y, gaps), std::string(skipping.name) + ": there is no target to compare with, "
                                                                            "every one is padding, NaN or of weight 0");

        // Weights: those of 2 count twice, those of 0 as padding.
        const std::vector<double> ones(8, 1.0), twos{2, 1, 1, 0, 1, 1, 1, 1};
        CHECK(loss(y.view(), target.view(), nullptr, ones) == Catch::Approx(loss(y, target)));
        Sequence<double> left_out = target;
        left_out.step(1).col(1).setConstant(nan);
        const double weighted = loss(y.view(), left_out.view(), &dy, twos);
        double expected = 0;
        Matrix<double> expected_dy = Matrix<double>::Zero(outputs, 8);
        const auto by_sum = make(Reduction::sum, false);
        for (Index k = 0; k < 8; ++k) {
            const double w = twos[static_cast<std::size_t>(k)];
            const SequenceView<double> one(y.values().col(k).data(), outputs, 1, 1);
            const SequenceView<double> its_target(target.values().col(k).data(), target.features(), 1, 1);
            Sequence<double> d_one;
            expected += w * by_sum(one, its_target, &d_one);
            expected_dy.col(k) = w * d_one.values();
        }
        const double divisor = mean ? loss.weight(y.view(), target) : 1; // the weights' sum is 8, as that of ones
        CHECK(loss.weight(y.view(), left_out.view(), twos) == Catch::Approx(divisor));
        CHECK(weighted == Catch::Approx(expected / divisor));
        CHECK(difference(dy.values(), expected_dy / divisor) < 1e-14);
    }
}

/// Normal numbers for a batch of 2.
struct NormalTargets {
    Index features = 2;
    Sequence<double> operator()(Index steps) const {
        Random random(8);
        return random_sequence<double>(features, steps, 2, random);
    }
};

} // namespace carousel::test
