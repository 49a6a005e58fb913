// HotSwap: new weights for a Stream or for Voices that another thread runs.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <thread>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// Three copies of a Stream or of Voices (a triple buffer): one runs, one may have weights to come, and one takes newer ones. The
/// thread that runs one asks for it at the beginning of a block; another thread, such as that of a user interface or of a
/// training, gives weights at any time:
///
///     HotSwap swap{Stream{model}};
///     swap.current()(in, out);          // the audio thread, each block
///     swap.set_weights(trained);        // another thread
///
/// current() takes no lock, waits for no one, and neither allocates nor releases memory; where new weights have come it is two
/// changes of atomic numbers and a copy of the state, which goes on. set_weights() packs the weights in its own thread, and waits
/// for other threads' set_weights() alone.
template <class Runner>
class HotSwap {
  public:
    /// Copies it twice. Throws std::bad_alloc.
    explicit HotSwap(Runner runner)
        : runners_{runner, runner, std::move(runner)}, memory_(runners_[0].state_memory()),
          prewarm_(runners_[0].rest_samples()) {}
    HotSwap(const HotSwap&) = delete;
    HotSwap& operator=(const HotSwap&) = delete;

    /// What runs, with the weights that came last; valid until the next call. For one thread alone. A prewarm() of it holds until other
    /// weights come: those have the state of rest that set_weights() gave them.
    Runner& current() noexcept CAROUSEL_NONBLOCKING {
        if (offered_.load(std::memory_order_relaxed) != none) {
            const int next =
                offered_.exchange(none, std::memory_order_acquire); // it is none no more, but newer perhaps
            runner(next).go_on_from(runner(current_), memory_);
            free_.fetch_or(1U << current_, std::memory_order_release);
            current_ = next;
        }
        return runner(current_);
    }

    /// Gives the weights that the model has now; those that were given before and that current() hasn't taken are dropped. With
    /// `prewarm` it also computes the state of rest after so many zeros (Stream::prewarm), to which reset_to_rest() goes; without, after
    /// as many as the last time, or as the runner that the HotSwap was made of. From any thread but that of current(); the model
    /// mustn't change meanwhile. Throws std::invalid_argument as Stream::set_weights, and nothing is changed.
    template <class Model>
    void set_weights(const Model& model) {
        change([&](Runner& spare) {
            spare.set_weights(model);
            if (const Index prewarm = prewarm_.load(std::memory_order_relaxed); prewarm >= 0)
                spare.prewarm(prewarm);
            else
                spare.forget_rest(); // of a prewarm() while it ran
        });
    }
    template <class Model>
    void set_weights(const Model& model, Index prewarm) {
        require(prewarm >= 0, "HotSwap::set_weights", "prewarm is ", prewarm, ", expected at least 0");
        change([&](Runner& spare) {
            spare.set_weights(model);
            spare.prewarm(prewarm);
            prewarm_.store(prewarm, std::memory_order_relaxed);
        });
    }

  private:
    static constexpr int none = -1;

    /// A free runner, while this thread has it. It becomes free again or is offered.
    class Spare {
      public:
        explicit Spare(HotSwap& swap) : swap_(swap) {
            unsigned free = swap.free_.load(std::memory_order_relaxed);
            for (;;)
                if (free == 0) { // two other threads have one each
                    std::this_thread::yield();
                    free = swap.free_.load(std::memory_order_relaxed);
                } else if (swap.free_.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire,
                                                            std::memory_order_relaxed)) {
                    index_ = std::countr_zero(free);
                    return;
                }
        }
        ~Spare() {
            if (index_ != none)
                swap_.free_.fetch_or(1U << index_, std::memory_order_release);
        }
        Spare(const Spare&) = delete;
        Spare& operator=(const Spare&) = delete;

        Runner& runner() { return swap_.runner(index_); }
        /// What was offered before is free then.
        void offer() { index_ = swap_.offered_.exchange(index_, std::memory_order_acq_rel); }

      private:
        HotSwap& swap_;
        int index_ = none;
    };

    template <class F>
    void change(F&& f) {
        Spare spare(*this);
        f(spare.runner());
        spare.offer();
    }
    Runner& runner(int index) { return runners_[static_cast<std::size_t>(index)]; }

    std::array<Runner, 3> runners_;
    typename Runner::State memory_;
    int current_ = 0;
    std::atomic<Index> prewarm_; ///< how many zeros the state of rest is after; negative if there is none
    std::atomic<int> offered_{none};
    std::atomic<unsigned> free_{0b110}; ///< a bit for each runner that is
};

} // namespace carousel
