// Crew: threads that wait for the shards of a job and share them with the thread that brings it.
#pragma once

#include "carousel/core/require.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if __has_include(<pthread.h>)
#    include <pthread.h>
#endif

namespace carousel::shared::inline CAROUSEL_SHARED {

/// A number of the process that its ancestors don't have: 1, and one more after each fork().
CAROUSEL_OWN inline long process_number() {
    static std::atomic<long> number{1};
#if __has_include(<pthread.h>)
    [[maybe_unused]] static const int counts = pthread_atfork(nullptr, nullptr, [] { ++number; });
#endif
    return number.load(std::memory_order_relaxed);
}

/// Who is free takes the next shard, so a worker that the system keeps waiting delays no more than the shard it has.
///
/// Workers, and the thread that brought the job, look for news `patience` times and then sleep. The sleep is a mutex and a
/// condition variable: std::atomic::wait would put a unique symbol of the C++ library into every shared library that trains,
/// which then can't be unloaded.
class Crew {
  public:
    /// As many workers as the system gives, at most `workers`.
    explicit Crew(int workers) : process_(process_number()) {
        workers_.reserve(static_cast<std::size_t>(workers));
        for (int w = 0; w < workers; ++w)
            if (carousel::detail::caught([this] { workers_.emplace_back([this] { work(); }); }))
                break;
    }
    ~Crew() {
        ends_.store(true, std::memory_order_relaxed);
        wake_workers();
        for (auto& worker : workers_)
            worker.join();
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int workers() const { return static_cast<int>(workers_.size()); }
    /// The process that has the threads.
    long process() const { return process_; }

    /// job(what, s) for each s < shards, in any order; shards ≥ 1. Throws the first exception of one when all have ended.
    /// Allocates nothing. For one thread at a time, and not for a shard.
    void run(int shards, void (*job)(const void*, int), const void* what) {
        job_ = job;
        what_ = what;
        unfinished_.store(shards, std::memory_order_relaxed);
        untaken_.store(shards, std::memory_order_release); // whoever takes one sees the job
        wake_workers();
        take_shards();
        const auto finished = [this] { return unfinished_.load() == 0; };
        for (int looks = 0; !finished();)
            if (++looks > patience) {
                caller_sleeps_.store(true);
                std::unique_lock lock(mutex_);
                all_finished_.wait(lock, finished);
                caller_sleeps_.store(false);
            }
        if (error_taken_.load(std::memory_order_relaxed)) {
            error_taken_.store(false, std::memory_order_relaxed);
            std::rethrow_exception(std::exchange(error_, nullptr));
        }
    }

    Crew* next = nullptr; ///< for a list of crews

  private:
    static constexpr int patience = 4000; // some microseconds, as long as the gaps between the jobs of a pass

    // A sleeper says that it sleeps and then looks once more; a waker changes what is looked for and then looks for sleepers.
    // All four are sequentially consistent, so at least one of the two sees the other.
    void wake_workers() {
        round_.fetch_add(1);
        if (sleepers_.load() > 0) {
            { const std::lock_guard lock(mutex_); }
            new_round_.notify_all();
        }
    }

    void take_shards() {
        for (int left = untaken_.load(std::memory_order_acquire); left > 0;)
            if (untaken_.compare_exchange_weak(left, left - 1, std::memory_order_acquire)) {
                if (auto error = carousel::detail::caught([&] { job_(what_, left - 1); }))
                    if (!error_taken_.exchange(true, std::memory_order_relaxed))
                        error_ = std::move(error);
                if (unfinished_.fetch_sub(1) == 1 && caller_sleeps_.load()) {
                    { const std::lock_guard lock(mutex_); }
                    all_finished_.notify_one();
                }
                left = untaken_.load(std::memory_order_acquire);
            }
    }

    void work() {
        for (unsigned seen = 0;;) {
            const auto news = [&] { return round_.load() != seen; };
            for (int looks = 0; !news();)
                if (++looks > patience) {
                    sleepers_.fetch_add(1);
                    std::unique_lock lock(mutex_);
                    new_round_.wait(lock, news);
                    sleepers_.fetch_sub(1);
                }
            seen = round_.load();
            if (ends_.load(std::memory_order_relaxed))
                return;
            take_shards();
        }
    }

    const long process_;
    void (*job_)(const void*, int) = nullptr;
    const void* what_ = nullptr;
    std::exception_ptr error_;
    std::atomic<bool> error_taken_{false}, ends_{false}, caller_sleeps_{false};
    std::atomic<unsigned> round_{0};
    std::atomic<int> untaken_{0}, unfinished_{0}, sleepers_{0};
    std::mutex mutex_;
    std::condition_variable new_round_, all_finished_;
    std::vector<std::thread> workers_;
};

} // namespace carousel::shared
