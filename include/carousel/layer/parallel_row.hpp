// ParallelRow: what branches over one input can tell and do, whether their types are known at compile time (Parallel) or not
// (AnyParallel).
#pragma once

#include "carousel/layer/layer_row.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What a pass of branches remembers besides their tapes.
template <class S>
struct ParallelPass {
    PassRecord record;
    std::vector<SequenceView<S>> outputs; ///< of the branches
    std::vector<Matrix<S>> dy;            ///< for each
    Sequence<S> y;
    Matrix<S> dx;

    /// A pass of this x begins.
    void begin(SequenceView<S> x) {
        record.begin();
        outputs.clear();
        features_ = x.features(), steps_ = x.steps(), batch_ = x.batch();
        lengths_.assign(x.lengths().begin(), x.lengths().end());
    }
    /// dx in the shape of x.
    SequenceView<S> dx_like_x() const { return {dx.data(), features_, steps_, batch_, lengths_}; }

  private:
    Index features_ = 0, steps_ = 0, batch_ = 1; ///< of x, as the lengths
    std::vector<Index> lengths_;
};

/// Branches are the layers of a LayerRow that all see x, and whose outputs stand one under the other in y.
template <class Row, class S>
class ParallelRow : public LayerRow<Row, S> {
  public:
    static constexpr bool same_input = true; ///< each is given x

    std::string name() const { return "Parallel"; }
    /// Features of y.
    Index output_size(Index input) const {
        Index sum = 0;
        row().each_layer([&](std::size_t k, const auto& layer) {
            in_layer(Row::kind, k, layer, [&] { sum += layer.output_size(input); });
        });
        return sum;
    }
    Index output_length(Index length) const {
        Index steps = length;
        row().each_layer([&](std::size_t k, const auto& layer) {
            if (k == 0)
                steps = detail::output_length(layer, length);
        });
        return steps;
    }
    Index least_steps() const {
        Index most = 0;
        row().each_layer([&](std::size_t, const auto& layer) { most = std::max(most, detail::least_steps(layer)); });
        return most;
    }

  protected:
    ParallelRow() = default;

    /// Throws std::invalid_argument, naming the branch, unless all take as many features (any number fits LastStep, Dropout …)
    /// and give as many steps.
    void check_branches() const {
        const Index features = this->input_size();
        row().each_layer([&](std::size_t k, const auto& layer) {
            in_layer(Row::kind, k, layer, [&] {
                if (features > 0)
                    layer.output_size(features);
                for (const Index length : {Index(0), Index(1), Index(2), Index(1000), power_of_two(40)})
                    require(detail::output_length(layer, length) == output_length(length), Row::kind, "it gives ",
                            detail::output_length(layer, length), " steps for ", length, ", the first branch gives ",
                            output_length(length), "; their outputs can't stand one under the other");
            });
        });
    }

    /// y: the branches' outputs one under the other. Throws std::invalid_argument if their steps differ.
    SequenceView<S> stack(const char* where, ParallelPass<S>& pass) const {
        const SequenceView<S>& first = pass.outputs[0];
        Index features = 0;
        for (std::size_t k = 0; k < pass.outputs.size(); ++k) {
            const SequenceView<S>& y = pass.outputs[k];
            require(
                y.steps() == first.steps() && y.batch() == first.batch() &&
                    std::equal(y.lengths().begin(), y.lengths().end(), first.lengths().begin(), first.lengths().end()),
                where, "branch ", k, " gives ", y.steps(), " steps, the first one ", first.steps(),
                ", or sequences of other lengths; their outputs can't stand one under the other");
            features += y.features();
        }
        pass.y.resize(features, first.steps(), first.batch(), first.lengths());
        Index row_of_y = 0;
        for (const SequenceView<S>& y : pass.outputs) {
            pass.y.values().middleRows(row_of_y, y.features()) = y.values();
            row_of_y += y.features();
        }
        return pass.y;
    }

    /// Deals dy out to the branches. A dy of no steps means there is none.
    void split(const char* where, SequenceView<S> dy, ParallelPass<S>& pass) const {
        const auto& y = pass.y;
        const bool has_dy = dy.columns() > 0;
        require(!has_dy || (dy.features() == y.features() && dy.columns() == y.values().cols()), where, "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", y.features(), " x ", y.values().cols());
        pass.dy.resize(pass.outputs.size());
        Index row_of_y = 0;
        for (std::size_t k = 0; k < pass.dy.size(); ++k) {
            const Index features = pass.outputs[k].features();
            if (has_dy)
                assign(pass.dy[k], dy.values().middleRows(row_of_y, features));
            else
                pass.dy[k].resize(features, 0);
            row_of_y += features;
        }
    }
    /// dy of branch k.
    static SequenceView<S> dy_of(const ParallelPass<S>& pass, std::size_t k) {
        if (pass.dy[k].cols() == 0)
            return {};
        return {pass.dy[k].data(), pass.dy[k].rows(), pass.y.steps(), pass.y.batch(), pass.y.lengths()};
    }

    /// Adds the dx of branch k, if it has one; returns whether it has.
    static bool add(ParallelPass<S>& pass, std::size_t k, SequenceView<S> dx) {
        if (dx.features() == 0)
            return false;
        if (k == 0)
            assign(pass.dx, dx.values());
        else
            pass.dx += dx.values();
        return true;
    }

  private:
    const Row& row() const { return static_cast<const Row&>(*this); }
};

} // namespace carousel::detail
