// Threads: how many the passes of a layer use, and the pool that runs their shards.
#pragma once

#include "carousel/core/require.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace carousel {

namespace kernel {

/// Workers that wait for shards. One job at a time: a call that finds the pool at work, its own shards among them, runs its
/// shards itself, one after the other. Whoever is free takes the next shard, so a worker that the system keeps waiting delays
/// no more than the shard it has.
class ThreadPool {
  public:
    explicit ThreadPool(int threads) {
        for (int w = 1; w < threads; ++w)
            workers_.emplace_back([this] { work(); });
    }
    ~ThreadPool() {
        ends_.store(true, std::memory_order_relaxed);
        wake();
        for (auto& worker : workers_)
            worker.join();
    }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const { return static_cast<int>(workers_.size()) + 1; }

    /// f(0) … f(shards − 1), each once, in any order; returns when all have ended. f must not throw. Allocates nothing.
    template <class F>
    void run(int shards, F&& f) {
        if (shards < 2 || workers_.empty() || busy_.test_and_set(std::memory_order_acquire)) {
            for (int s = 0; s < shards; ++s)
                f(s);
            return;
        }
        job_ = [](void* what, int shard) { (*static_cast<std::remove_reference_t<F>*>(what))(shard); };
        what_ = &f;
        unfinished_.store(shards, std::memory_order_relaxed);
        untaken_.store(shards, std::memory_order_release); // whoever takes one sees the job
        wake();
        take_shards();
        for (int left = unfinished_.load(std::memory_order_acquire), spins = 0; left > 0;
             left = unfinished_.load(std::memory_order_acquire))
            if (++spins > patience)
                unfinished_.wait(left);
        busy_.clear(std::memory_order_release);
    }

  private:
    static constexpr int patience = 4000; // looks before it sleeps: some microseconds, as long as the gaps in a pass

    void wake() {
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
    }

    void take_shards() {
        for (int left = untaken_.load(std::memory_order_acquire); left > 0;)
            if (untaken_.compare_exchange_weak(left, left - 1, std::memory_order_acquire)) {
                job_(what_, left - 1);
                if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1)
                    unfinished_.notify_all();
                left = untaken_.load(std::memory_order_acquire);
            }
    }

    void work() {
        for (unsigned seen = 0;;) {
            for (int spins = 0; round_.load(std::memory_order_acquire) == seen;)
                if (++spins > patience)
                    round_.wait(seen);
            seen = round_.load(std::memory_order_acquire);
            if (ends_.load(std::memory_order_relaxed))
                return;
            take_shards();
        }
    }

    void (*job_)(void*, int) = nullptr;
    void* what_ = nullptr;
    std::atomic<unsigned> round_{0};
    std::atomic<int> untaken_{0}, unfinished_{0};
    std::atomic<bool> ends_{false};
    std::atomic_flag busy_;
    std::vector<std::thread> workers_;
};

inline std::unique_ptr<ThreadPool>& thread_pool() {
    static auto pool = std::make_unique<ThreadPool>(1);
    return pool;
}

} // namespace kernel

/// How many threads forward and backward of a layer use; 1 until set_threads says otherwise.
inline int threads() {
    return kernel::thread_pool()->size();
}

/// Batches are cut into as many shards, so one number of threads always gives the same gradients, and another the same to
/// rounding. Not while a pass is running. Throws std::invalid_argument if n is below 1.
inline void set_threads(int n) {
    require(n >= 1, "set_threads", "n is ", n, ", expected at least 1");
    if (n != threads())
        kernel::thread_pool() = std::make_unique<kernel::ThreadPool>(n);
}

} // namespace carousel
