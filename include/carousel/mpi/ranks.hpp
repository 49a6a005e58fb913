// Ranks: the processes that train one model, numbered, and how they exchange numbers. Communicator is the one of MPI.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/number_text.hpp"

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// What a rank says of itself: "rank 3 of 8: the disk is gone".
inline std::string rank_text(Index rank, Index size, const std::string& text) {
    return "rank " + decimal(rank) + " of " + decimal(size) + ": " + text;
}

} // namespace detail

/// What each rank hands to fit as its data.
enum class RankData {
    whole, ///< all ranks the same samples: each trains with its share of every batch
    part   ///< each rank samples that no other has; batches are made of the parts' in equal shares
};

/// What fit throws on every rank when one has failed, with the same message: which rank, of how many, and what it
/// threw.
struct RankFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Several processes, of which each makes the calls below in the same order as all others. Numbers that are summed must
/// be, bit for bit, the same on all ranks afterwards.
class Ranks {
  public:
    virtual ~Ranks() = default;

    /// The number of this process, 0 … size() − 1.
    virtual Index rank() const = 0;
    virtual Index size() const = 0;
    /// What the ranks hand to fit.
    virtual RankData data() const = 0;

    /// What each rank gives, in the order of the ranks: any number of bytes.
    virtual std::vector<std::vector<std::byte>> gather(std::span<const std::byte> own) const = 0;

    /// Begins to write the sums of numbers over all ranks to as many others. Both must stay where they are, and be left
    /// alone, until finish().
    virtual void start_sum(std::span<const float> numbers, std::span<float> sums) const = 0;
    virtual void start_sum(std::span<const double> numbers, std::span<double> sums) const = 0;
    /// Lets sums that have begun go on, where they don't by themselves.
    virtual void progress() const {}
    /// Waits until all sums that have begun are there.
    virtual void finish() const = 0;
};

} // namespace carousel
