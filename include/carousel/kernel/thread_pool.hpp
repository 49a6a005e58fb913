// ThreadPool: the threads of a program, which run the shards of its passes.
#pragma once

#include "carousel/kernel/crew.hpp"

#include <cstddef>
#include <memory>
#include <new>

/// What a program has once, whatever instruction sets its files are compiled for.
namespace carousel::shared::inline CAROUSEL_SHARED {

/// Runs the shards of one job at a time, together with a crew of workers. A call that finds the pool at work runs its shards
/// itself, one after the other: a call from inside a shard, or from another thread.
///
/// Only the thread whose turn it is touches the crew. A child of fork() has none of its parent's threads, so it leaves the crew
/// alone and makes one of its own.
class ThreadPool {
  public:
    explicit ThreadPool(int threads) { resize(threads); }
    ~ThreadPool() { close(); }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    /// The caller and its workers: as many threads as were asked for, or as the system gave.
    int size() const { return size_.load(std::memory_order_relaxed); }

    /// A job that is running keeps its workers; the next one has the new ones.
    void resize(int threads) {
        size_.store(threads, std::memory_order_relaxed);
        if (const Turn turn{*this})
            fit_crew();
    }

    /// job(what, 0) … job(what, shards − 1), each at most once, in any order. Throws the first exception of a shard, when no shard is running
    /// any more; without one, each has run when this returns. Allocates nothing, but for the first job after a fork or after
    /// a resize during a job.
    void run(int shards, void (*job)(const void*, int), const void* what) {
        if (shards > 1 && size() > 1)
            if (const Turn turn{*this}; turn && fit_crew()) {
                crew_->run(shards, job, what);
                return;
            }
        for (int s = 0; s < shards; ++s)
            job(what, s);
    }
    /// f(0) … f(shards − 1), likewise.
    template <class F>
    void run(int shards, const F& f) {
        run(
            shards, [](const void* what, int s) { (*static_cast<const F*>(what))(s); }, &f);
    }

    /// Ends the workers for good: later jobs run in the thread that asks. One that is running keeps them.
    void close() {
        closed_.store(true, std::memory_order_relaxed);
        if (const Turn turn{*this})
            fit_crew();
    }

  private:
    /// True for one thread of the process at a time.
    class Turn {
      public:
        explicit Turn(ThreadPool& pool) : pool_(pool), process_(process_number()) {
            long holder = 0; // a number before a fork: the thread whose turn it was stayed in the parent
            while (!taken_ && holder != process_)
                taken_ = pool.holder_.compare_exchange_strong(holder, process_, std::memory_order_acquire);
        }
        ~Turn() {
            if (taken_)
                pool_.holder_.store(0, std::memory_order_release);
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        explicit operator bool() const { return taken_; }

      private:
        ThreadPool& pool_;
        const long process_;
        bool taken_ = false;
    };

    /// Makes the crew as large as asked for, or size() as small as the crew. Returns whether there is one.
    bool fit_crew() {
        if (crew_ && crew_->process() != process_number()) {
            crew_->next = parents_;
            parents_ = std::exchange(crew_, nullptr);
        }
        int asked = size();
        const int wanted = closed_.load(std::memory_order_relaxed) ? 1 : asked;
        if ((crew_ ? crew_->workers() + 1 : 1) != wanted) {
            delete std::exchange(crew_, nullptr);
            carousel::detail::caught([&] {
                if (wanted > 1)
                    crew_ = new Crew(wanted - 1);
            });
            if (crew_ && crew_->workers() == 0)
                delete std::exchange(crew_, nullptr);
        }
        // Who has asked for another number meanwhile has it at the next turn.
        size_.compare_exchange_strong(asked, crew_ ? crew_->workers() + 1 : 1, std::memory_order_relaxed);
        return crew_ != nullptr;
    }

    std::atomic<int> size_{1};
    std::atomic<long> holder_{0}; // the number of the process whose thread has its turn, or 0
    std::atomic<bool> closed_{false};
    Crew* crew_ = nullptr;
    Crew* parents_ = nullptr; // crews of processes before a fork: their threads are not here to be joined
};

/// The pool of the program; a shared library that includes this header has its own, which goes when it is unloaded. It is closed
/// at exit, but not destroyed: destructors of static objects may still train.
CAROUSEL_OWN inline ThreadPool& thread_pool() {
    struct Closer {
        ThreadPool* pool;
        ~Closer() { pool->close(); }
    };
    alignas(ThreadPool) static std::byte memory[sizeof(ThreadPool)];
    static const Closer closer{new (memory) ThreadPool(1)};
    return *std::launder(reinterpret_cast<ThreadPool*>(memory));
}

} // namespace carousel::shared
