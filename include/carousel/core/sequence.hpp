// Sequence: a batch of sequences as one matrix, features × (steps · batch); step t is the block of columns t·batch … .
// Byte for byte a contiguous (steps, batch, features) array, so a user's buffer is viewed without a copy.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <algorithm>
#include <concepts>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Throws std::invalid_argument unless a batch can have this shape and these lengths.
inline void require_batch(Index features, Index steps, Index batch, std::span<const Index> lengths) {
    require(features >= 0 && steps >= 0 && batch >= 1, "Sequence", "features ", features, ", steps ", steps,
            " and batch ", batch, " must satisfy features >= 0, steps >= 0, batch >= 1");
    constexpr Index most = std::numeric_limits<Index>::max() / 16; // bytes of the widest number
    require(steps <= most / batch && (features == 0 || steps * batch <= most / features), "Sequence", "features ",
            features, ", steps ", steps, " and batch ", batch, " make more numbers than any memory holds");
    require(lengths.empty() || static_cast<Index>(lengths.size()) == batch, "Sequence", lengths.size(),
            " lengths were given for a batch of ", batch);
    for (std::size_t b = 0; b < lengths.size(); ++b)
        require(lengths[b] >= 0 && lengths[b] <= steps, "Sequence", "length ", lengths[b], " of sequence ", b,
                " is not within 0 … ", steps);
}

inline void require_step(Index t, Index steps) {
    require(t >= 0 && t < steps, "Sequence::step", "t is ", t, ", expected 0 <= t < ", steps);
}

} // namespace detail

/// A read-only view of a batch of sequences: a pointer and its shape. It owns nothing and is cheap to copy.
template <std::floating_point S>
class SequenceView {
  public:
    using Scalar = S;
    /// All numbers as Eigen sees them, features × (steps · batch).
    using Values = Eigen::Map<const Matrix<Scalar>>;

    SequenceView() = default;

    /// `data` holds steps · batch columns of `features` numbers. `lengths`, one per sequence of the batch, says how
    /// many steps of each are real (0 … steps); empty means all of them. Both must outlive the view. Throws
    /// std::invalid_argument if these disagree, or data is null and the shape isn't empty.
    SequenceView(const Scalar* data, AnyIndex features, AnyIndex steps, AnyIndex batch,
                 std::span<const Index> lengths = {})
        : data_(data), features_(features), steps_(steps), batch_(batch), lengths_(lengths) {
        detail::require_batch(features, steps, batch, lengths);
        require(data || features_ * steps_ == 0, "Sequence", "data is null, expected ", features_, " x ", columns(),
                " numbers");
    }
    SequenceView(const Scalar*, AnyIndex, AnyIndex, AnyIndex,
                 const std::vector<Index>&&) = delete; // lengths that die at once

    /// The numbers, features · steps · batch of them: step after step, in each step sequence after sequence.
    const Scalar* data() const { return data_; }
    /// The shape. `columns()` is steps · batch; `lengths()` are the real steps of each sequence, none if all are real (not
    /// `ragged()`).
    Index features() const { return features_; }
    Index steps() const { return steps_; }
    Index batch() const { return batch_; }
    Index columns() const { return steps_ * batch_; }
    std::span<const Index> lengths() const { return lengths_; }
    bool ragged() const { return !lengths_.empty(); }
    /// Of sequence b. Throws std::invalid_argument unless 0 <= b < batch().
    Index length(Index b) const {
        require(b >= 0 && b < batch_, "Sequence::length", "b is ", b, ", expected 0 <= b < ", batch_);
        return ragged() ? lengths_[static_cast<std::size_t>(b)] : steps_;
    }
    /// Whether step t of sequence b is none of its padding. Throws as length() does.
    bool real(Index t, Index b) const { return t < length(b); }

    /// How many columns are real: steps · batch, or the sum of the lengths.
    Index real_columns() const {
        Index sum = 0;
        for (Index b = 0; b < batch_; ++b)
            sum += length(b);
        return sum;
    }

    /// features × (steps · batch)
    Values values() const { return {data_, features_, columns()}; }
    /// features × batch. Throws std::invalid_argument unless 0 <= t < steps().
    Values step(Index t) const {
        detail::require_step(t, steps_);
        return {data_ + t * batch_ * features_, features_, batch_};
    }

  private:
    const Scalar* data_ = nullptr;
    Index features_ = 0, steps_ = 0, batch_ = 1;
    std::span<const Index> lengths_;
};

/// Steps first … first + count − 1 of a batch, as truncated BPTT cuts it: a view of the same numbers. `lengths` is where
/// those of the chunk are kept, for as long as it is used; of a sequence that ends before the chunk the length is 0.
/// Throws std::invalid_argument, before anything is changed, unless the batch has these steps.
template <std::floating_point S>
SequenceView<S> chunk(SequenceView<S> whole, Index first, Index count, std::vector<Index>& lengths) {
    require(first >= 0 && count >= 0 && first <= whole.steps() && count <= whole.steps() - first, "chunk", count,
            " steps from step ", first, " on were asked for, there are ", whole.steps());
    lengths.clear();
    for (Index b = 0; whole.ragged() && b < whole.batch(); ++b)
        lengths.push_back(std::clamp<Index>(whole.length(b) - first, 0, count));
    const Index skipped = first * whole.batch() * whole.features();
    return {skipped > 0 ? whole.data() + skipped : whole.data(), whole.features(), count, whole.batch(), lengths};
}

/// A batch of sequences that owns its numbers.
template <std::floating_point S>
class Sequence {
  public:
    using Scalar = S;

    Sequence() = default;
    /// Zeros.
    Sequence(AnyIndex features, AnyIndex steps, AnyIndex batch = 1, std::vector<Index> lengths = {})
        : batch_(batch), lengths_(std::move(lengths)) {
        detail::require_batch(features, steps, batch, lengths_);
        values_.setZero(features, steps * batch);
    }
    /// `values`: features × (steps · batch), taken over.
    explicit Sequence(Matrix<Scalar> values, AnyIndex batch = 1, std::vector<Index> lengths = {})
        : values_(std::move(values)), batch_(batch), lengths_(std::move(lengths)) {
        require(batch >= 1 && values_.cols() % batch == 0, "Sequence", values_.cols(),
                " columns are no whole number of steps of a batch of ", batch);
        static_cast<void>(view());
    }

    /// A view of it, valid while the sequence lives and isn't assigned to. Passing the sequence itself does the same.
    SequenceView<Scalar> view() const& { return {values_.data(), features(), steps(), batch_, lengths_}; }
    SequenceView<Scalar> view() const&& = delete; // the view would outlive it: give the sequence a name
    /// As view().
    operator SequenceView<Scalar>() const& { return view(); }
    operator SequenceView<Scalar>() const&& = delete;

    /// The shape; `lengths()` is empty if all steps are real.
    Index features() const { return values_.rows(); }
    Index steps() const { return values_.cols() / batch_; }
    Index batch() const { return batch_; }
    const std::vector<Index>& lengths() const { return lengths_; }

    /// The numbers: step after step, in each step sequence after sequence; as a matrix features × (steps · batch).
    Scalar* data() { return values_.data(); }
    const Scalar* data() const { return values_.data(); }
    Matrix<Scalar>& values() { return values_; }
    const Matrix<Scalar>& values() const { return values_; }
    /// features × batch. Throws std::invalid_argument unless 0 <= t < steps().
    auto step(Index t) {
        detail::require_step(t, steps());
        return values_.middleCols(t * batch_, batch_);
    }
    auto step(Index t) const {
        detail::require_step(t, steps());
        return values_.middleCols(t * batch_, batch_);
    }

    /// Throws std::invalid_argument unless there is one length, 0 … steps(), for each sequence, or none at all.
    void set_lengths(std::span<const Index> lengths) {
        detail::require_batch(features(), steps(), batch_, lengths);
        lengths_.assign(lengths.begin(), lengths.end());
    }

    /// Takes a new shape; keeps the memory where the size allows. The numbers are unspecified afterwards. Throws
    /// std::invalid_argument, before anything is changed, if there is no such shape. After a std::bad_alloc it is as it was, or
    /// has no steps.
    void resize(AnyIndex features, AnyIndex steps, AnyIndex batch, std::span<const Index> lengths = {}) {
        detail::require_batch(features, steps, batch, lengths);
        const Index* const own = lengths_.data();
        const bool inside = !lengths.empty() && !std::less<>()(lengths.data(), own) &&
                            std::less<>()(lengths.data(), own + lengths_.size());
        if (inside && lengths.size() < lengths_.size()) // some of this sequence's own
            lengths_ = std::vector<Index>(lengths.begin(), lengths.end());
        else if (!inside)
            lengths_.assign(lengths.begin(), lengths.end());
        std::vector<Index> kept = std::exchange(lengths_, {}); // none, if the allocation of the numbers fails
        batch_ = batch;
        detail::reshape(values_, features, steps * batch);
        lengths_ = std::move(kept);
    }

  private:
    Matrix<Scalar> values_;
    Index batch_ = 1;
    std::vector<Index> lengths_;
};

} // namespace carousel
