// IterableDataset: samples that come one after the other, from a file or a generator that begins anew for every epoch.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/map_dataset.hpp"
#include "carousel/train/sample_shape.hpp"

#include <algorithm>
#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// How much of the data is in memory.
struct IterableOptions {
    AnyIndex buffer = 1024; ///< how many samples are kept, and shuffled with each other
};

/// Samples that can only be read in their order. start() begins at the first and returns a function next(x, y), which makes the
/// following sample, features × steps each, or returns false at the end:
///
///     const IterableDataset<float> data([&] {
///         return [file = std::make_shared<std::ifstream>(path)](Matrix<float>& x, Matrix<float>& y) { return …; };
///     });
///     fit(model, data, …)
///
/// Each start must give the same samples. They are read once here, to know how many there are and how long, and once by fit
/// before it begins; then once in an epoch. Only `buffer` of them are in memory.
///
/// With FitOptions::shuffle the samples of each `buffer` neighbours are shuffled among themselves, and those before come before
/// those after: a buffer as large as the data shuffles as fit does with a Dataset. Without, they keep their order. A bucket needs
/// samples of any order. One that is held out for validation by validation_split is at the end and is read after the others.
/// Asking for a sample before the buffer reads from the start. Not for two threads at a time.
template <std::floating_point S>
class IterableDataset {
  public:
    using Scalar = S;
    /// Makes the following sample; false at the end.
    using Next = std::function<bool(Matrix<S>& x, Matrix<S>& y)>;
    /// Begins at the first sample.
    using Start = std::function<Next()>;

    /// Reads all samples once. Throws std::invalid_argument if there is none, `buffer` is below 1, or samples have different
    /// features; and what the functions throw.
    explicit IterableDataset(Start start, IterableOptions options = {});

    Index size() const { return count_; }
    SampleShape shape() const { return shape_; }
    std::span<const Index> x_lengths() const { return x_lengths_; }
    std::span<const Index> y_lengths() const { return y_lengths_; }
    /// How many neighbours are in memory at a time.
    Index block() const { return buffer_; }
    /// Only one thread at a time may read.
    bool one_reader() const { return true; }
    /// See Samples. Throws std::invalid_argument unless there are these samples and x and y have their shape, std::runtime_error
    /// if fewer samples came than at first, std::invalid_argument if one has another shape than it had; and what the functions
    /// throw.
    void fill(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const;

  private:
    struct Sample {
        Matrix<S> x, y;
    };
    /// Where the reading is: the samples before `read` are read, the last of them are kept, number k in k mod buffer.
    struct Reader {
        Next next;
        Index read = 0;
        std::vector<Sample> kept;
    };

    Next started() const;
    const Sample& sample(Index k) const;

    Start start_;
    Index buffer_, count_ = 0;
    SampleShape shape_;
    std::vector<Index> x_lengths_, y_lengths_; ///< empty if equal
    std::unique_ptr<Reader> reader_ = std::make_unique<Reader>();
};

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
IterableDataset<S>::IterableDataset(Start start, IterableOptions options)
    : start_(std::move(start)), buffer_(options.buffer) {
    const char* const where = "IterableDataset";
    require(buffer_ >= 1, where, "buffer is ", buffer_, ", expected buffer >= 1");
    require(static_cast<bool>(start_), where, "start is empty, expected a function that begins to read");
    const Next next = started();
    for (Sample one; next(one.x, one.y); ++count_) {
        const auto check_rows = [&](const char* what, const Matrix<S>& given, Index features) {
            require(count_ == 0 || given.rows() == features, where, what, " of sample ", count_, " has ", given.rows(),
                    " features, expected ", features, " as the first has");
        };
        check_rows("x", one.x, shape_.x_features);
        check_rows("y", one.y, shape_.y_features);
        shape_ = {one.x.rows(), std::max(shape_.x_steps, one.x.cols()), one.y.rows(),
                  std::max(shape_.y_steps, one.y.cols())};
        x_lengths_.push_back(one.x.cols());
        y_lengths_.push_back(one.y.cols());
    }
    require(count_ >= 1, where, "no sample came, expected at least 1");
    for (std::vector<Index>* const lengths : {&x_lengths_, &y_lengths_})
        if (std::count(lengths->begin(), lengths->end(), lengths->front()) == count_)
            lengths->clear();
}

template <std::floating_point S>
auto IterableDataset<S>::started() const -> Next {
    Next next = start_();
    require(static_cast<bool>(next), "IterableDataset", "start returned an empty function, expected the next sample's");
    return next;
}

/// Sample k, read if it is none of those that are kept.
template <std::floating_point S>
auto IterableDataset<S>::sample(Index k) const -> const Sample& {
    Reader& reader = *reader_;
    const auto slot = [&](Index number) -> Sample& { return reader.kept[static_cast<std::size_t>(number % buffer_)]; };
    if (!reader.next || k < reader.read - buffer_) {
        reader.next = started();
        reader.read = 0;
    }
    while (reader.read <= k) {
        Next next = std::exchange(reader.next, nullptr); // none, if it throws: then it begins anew
        if (const auto place = static_cast<std::size_t>(reader.read % buffer_); place >= reader.kept.size())
            reader.kept.resize(place + 1);
        Sample& one = slot(reader.read);
        if (!next(one.x, one.y))
            detail::fail<std::runtime_error>("IterableDataset: " + detail::decimal(reader.read) +
                                             " samples came, expected " + detail::decimal(count_) +
                                             " as at first: each start must give the same samples");
        reader.next = std::move(next);
        ++reader.read;
    }
    return slot(k);
}

template <std::floating_point S>
void IterableDataset<S>::fill(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const {
    detail::require_samples("IterableDataset::fill", samples, reader_ ? count_ : 0); // none, if it was moved away
    detail::require_batch_of("IterableDataset::fill", shape_, samples.size(),
                             {x.features(), x.steps(), y.features(), y.steps()}, x.batch(), y.batch());
    for (std::size_t b = 0; b < samples.size(); ++b) {
        const auto k = static_cast<std::size_t>(samples[b]);
        const Sample& one = sample(samples[b]);
        detail::put_sample("IterableDataset", "x", one.x, samples[b],
                           x_lengths_.empty() ? shape_.x_steps : x_lengths_[k], x, static_cast<Index>(b));
        detail::put_sample("IterableDataset", "y", one.y, samples[b],
                           y_lengths_.empty() ? shape_.y_steps : y_lengths_[k], y, static_cast<Index>(b));
    }
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_ITERABLE_DATASET(S) template class carousel::IterableDataset<S>
