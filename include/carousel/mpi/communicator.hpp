// Communicator: the processes of an MPI communicator as the Ranks of a training. Open MPI, MPICH, or any other MPI 3.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/mpi/ranks.hpp"

#ifndef OMPI_SKIP_MPICXX
#    define OMPI_SKIP_MPICXX 1 // the C++ interface that MPI 3 has no more
#endif
#ifndef MPICH_SKIP_MPICXX
#    define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What a Communicator may be told.
struct CommunicatorOptions {
    RankData data = RankData::whole; ///< what each rank hands to fit
};

/// What a Communicator has sent and waited for.
struct Traffic {
    double seconds = 0;   ///< within calls of MPI: waiting for other ranks included
    Index messages = 0;   ///< exchanges and sums
    double megabytes = 0; ///< that this rank gave to them
};

/// The processes of an MPI communicator:
///
///     MPI_Init(&argc, &argv);
///     …
///     const History history = fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 15}, Communicator{MPI_COMM_WORLD});
///
/// Keeps a duplicate of the communicator, so that its messages meet no others; making one, and destroying one, is
/// something that all processes of it do together. All calls come from the thread that makes it; the library's own
/// threads (set_threads) make none, for which MPI_THREAD_FUNNELED is enough. Gradients are summed by MPI_Iallreduce,
/// whose order of additions Open MPI and MPICH choose by sizes alone: the same number of processes on the same machines
/// has the same bits. Where it differs between ranks fit notices at the end of an epoch.
class Communicator final : public Ranks {
  public:
    /// Throws std::logic_error unless MPI runs, std::invalid_argument if it is MPI_COMM_NULL.
    explicit Communicator(MPI_Comm communicator, CommunicatorOptions options = {}) : options_(options) {
        int begun = 0, ended = 0;
        MPI_Initialized(&begun);
        MPI_Finalized(&ended);
        if (begun == 0 || ended != 0)
            detail::fail<std::logic_error>(
                begun == 0 ? "Communicator: MPI isn't running, expected MPI_Init before it, or run_ranks"
                           : "Communicator: MPI_Finalize was called before");
        require(communicator != MPI_COMM_NULL, "Communicator", "the communicator is MPI_COMM_NULL");
        MPI_Comm_dup(communicator, &communicator_);
        MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_ARE_FATAL); // the program's own may let errors pass
        MPI_Comm_rank(communicator_, &rank_);
        MPI_Comm_size(communicator_, &size_);
        MPI_Type_contiguous(word, MPI_BYTE, &words_);
        MPI_Type_commit(&words_);
    }
    ~Communicator() override {
        int ended = 0;
        MPI_Finalized(&ended);
        if (ended != 0)
            return;
        MPI_Type_free(&words_);
        MPI_Comm_free(&communicator_);
    }
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;

    /// As Ranks says.
    Index rank() const override { return rank_; }
    Index size() const override { return size_; }
    RankData data() const override { return options_.data; }

    /// Ends all processes of the program (MPI_Abort), after a line on standard error, "error: rank 3 of 8: reason".
    [[noreturn]] void abort(const std::string& reason) const {
        std::fprintf(stderr, "error: %s\n", detail::rank_text(rank_, size_, reason).c_str());
        MPI_Abort(MPI_COMM_WORLD, 1);
        std::abort(); // MPI says nothing of whether it returns
    }

    /// So far.
    const Traffic& traffic() const { return traffic_; }

    /// As Ranks says. Throws std::length_error if the messages of all have more than 16 GB.
    std::vector<std::vector<std::byte>> gather(std::span<const std::byte> own) const override {
        const Timer timer(traffic_, own.size());
        // Short messages come in one exchange, with their length in front; of others it brings the lengths.
        std::array<std::byte, block> first{};
        const auto length = static_cast<std::uint64_t>(own.size());
        std::memcpy(first.data(), &length, sizeof length);
        std::copy_n(own.begin(), std::min(own.size(), most), first.begin() + sizeof length);
        const auto ranks = static_cast<std::size_t>(size_);
        std::vector<std::byte> blocks(ranks * block);
        MPI_Allgather(first.data(), block, MPI_BYTE, blocks.data(), block, MPI_BYTE, communicator_);
        std::vector<std::vector<std::byte>> all;
        bool longer = false;
        const auto read = [&] {
            all.resize(ranks);
            for (std::size_t r = 0; r < ranks; ++r) {
                const std::byte* const from = blocks.data() + r * block;
                const auto size = static_cast<std::size_t>(length_of(from));
                all[r].resize(size);
                std::copy_n(from + sizeof length, std::min(size, most), all[r].begin());
            }
        };
        for (std::size_t r = 0; r < ranks; ++r)
            longer = longer || length_of(blocks.data() + r * block) > most;
        if (!longer) {
            read(); // should it throw, the others hear of it at their next message
        } else {
            or_abort(read);
            gather_long(own, all);
        }
        return all;
    }

    /// As Ranks says. Throws std::invalid_argument unless there is room for as many sums.
    void start_sum(std::span<const float> numbers, std::span<float> sums) const override {
        start(numbers, sums, MPI_FLOAT);
    }
    void start_sum(std::span<const double> numbers, std::span<double> sums) const override {
        start(numbers, sums, MPI_DOUBLE);
    }
    /// As Ranks says.
    void progress() const override {
        if (requests_.empty())
            return;
        const Timer timer(traffic_);
        int done = 0;
        MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
        if (done != 0)
            requests_.clear();
    }
    /// As Ranks says.
    void finish() const override {
        const Timer timer(traffic_);
        MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
        requests_.clear();
    }

  private:
    static constexpr int block = 256, word = 8;
    static constexpr std::size_t most = block - sizeof(std::uint64_t); ///< bytes of a short message

    /// Adds the time that it lives, and a message.
    class Timer {
        using Clock = std::chrono::steady_clock;

      public:
        explicit Timer(Traffic& traffic) : traffic_(traffic) {}
        Timer(Traffic& traffic, std::size_t bytes) : Timer(traffic) {
            ++traffic.messages;
            traffic.megabytes += static_cast<double>(bytes) / 1e6;
        }
        ~Timer() { traffic_.seconds += std::chrono::duration<double>(Clock::now() - start_).count(); }
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;

      private:
        Traffic& traffic_;
        const Clock::time_point start_ = Clock::now();
    };

    static std::uint64_t length_of(const std::byte* message) {
        std::uint64_t length = 0;
        std::memcpy(&length, message, sizeof length);
        return length;
    }

    /// f(), between calls that the other ranks wait in: if it throws, as for want of memory, all end.
    template <class F>
    void or_abort(F&& f) const {
        if (const std::exception_ptr error = detail::caught(f))
            abort("Communicator: " + detail::what_of(error) + " in the midst of a message");
    }

    /// In words of 8 bytes, as MPI counts with int.
    void gather_long(std::span<const std::byte> own, std::vector<std::vector<std::byte>>& all) const {
        std::vector<int> counts, places;
        std::vector<std::byte> padded, gathered;
        or_abort([&] {
            counts.reserve(all.size());
            places.reserve(all.size());
        });
        std::size_t words = 0;
        for (const auto& bytes : all) {
            const std::size_t count = (bytes.size() + word - 1) / word;
            places.push_back(static_cast<int>(words));
            counts.push_back(static_cast<int>(count));
            words += count;
            if (words > static_cast<std::size_t>(std::numeric_limits<int>::max()))
                detail::fail<std::length_error>(
                    "Communicator::gather: the ranks' messages have more than 16 GB together");
        }
        or_abort([&] {
            padded.resize(static_cast<std::size_t>(counts[static_cast<std::size_t>(rank_)]) * word);
            gathered.resize(words * word);
        });
        std::copy(own.begin(), own.end(), padded.begin());
        MPI_Allgatherv(padded.data(), counts[static_cast<std::size_t>(rank_)], words_, gathered.data(), counts.data(),
                       places.data(), words_, communicator_);
        for (std::size_t r = 0; r < all.size(); ++r)
            std::copy_n(gathered.begin() + static_cast<std::ptrdiff_t>(places[r]) * word, all[r].size(),
                        all[r].begin());
    }

    template <class S>
    void start(std::span<const S> numbers, std::span<S> sums, MPI_Datatype type) const {
        const Timer timer(traffic_, numbers.size_bytes());
        require(sums.size() == numbers.size(), "Communicator::start_sum", "there is room for ", sums.size(),
                " sums, expected ", numbers.size());
        constexpr std::size_t largest = std::size_t(1) << 30; // MPI counts with int
        // Not MPI_IN_PLACE, with which Open MPI sends all numbers log₂ n times, where it would send them twice.
        for (std::size_t first = 0; first < numbers.size(); first += largest) {
            const std::size_t count = std::min(largest, numbers.size() - first);
            or_abort([&] { requests_.push_back(MPI_REQUEST_NULL); });
            MPI_Iallreduce(numbers.data() + first, sums.data() + first, static_cast<int>(count), type, MPI_SUM,
                           communicator_, &requests_.back());
        }
    }

    CommunicatorOptions options_;
    MPI_Comm communicator_ = MPI_COMM_NULL;
    MPI_Datatype words_ = MPI_DATATYPE_NULL;
    int rank_ = 0, size_ = 1;
    mutable std::vector<MPI_Request> requests_;
    mutable Traffic traffic_;
};

} // namespace carousel
