// How time is measured: one CPU, peers in turn, medians of what was measured side by side.
#pragma once

#include <carousel/simd/lane.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#    include <sched.h>
#    include <unistd.h>
#endif
#ifdef __GLIBC__
#    include <malloc.h>
#endif

namespace benchmarks {

/// Starts the program anew, pinned to one CPU and with one thread in every library that reads its number of threads when
/// it is loaded. Does nothing where CPUs can't be chosen.
inline void restart_on_one_cpu(char** argv) {
#ifdef __linux__
    constexpr auto done = "CAROUSEL_BENCHMARK_ON_ONE_CPU";
    cpu_set_t cpus;
    if (std::getenv(done) || sched_getcpu() < 0)
        return;
    for (const char* variable : {done, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
        setenv(variable, "1", 1);
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    execv("/proc/self/exe", argv); // returns only if it failed
#else
    static_cast<void>(argv);
#endif
}

/// Lets this thread, and those it starts, run on every CPU for as long as it lives.
class EveryCpu {
  public:
#ifdef __linux__
    EveryCpu() {
        sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t all;
        CPU_ZERO(&all);
        for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            CPU_SET(cpu, &all);
        sched_setaffinity(0, sizeof all, &all); // of these, those there are
        sched_getaffinity(0, sizeof all, &all);
        count_ = CPU_COUNT(&all);
    }
    ~EveryCpu() {
        sched_setaffinity(0, sizeof before_, &before_);
    }
    EveryCpu(const EveryCpu&) = delete;
    EveryCpu& operator=(const EveryCpu&) = delete;
    int count() const {
        return count_;
    }

  private:
    cpu_set_t before_;
    int count_ = 1;
#else
    int count() const {
        return static_cast<int>(std::thread::hardware_concurrency());
    }
#endif
};

/// Lets malloc keep what is freed, in every library: one that takes memory anew for each pass would be timed with the system's work for
/// it, which on a virtual machine can take longer than the pass. Does nothing without glibc.
inline void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

/// A thing to measure; `prepare` isn't.
struct Runner {
    std::string name;
    std::function<void()> run;
    std::function<void()> prepare = {};
};

struct Budget {
    double seconds;         // for one case, all its runners together
    int least, most;        // rounds
    bool wall_only = false; // for what has several threads: CPU time doesn't stand for wall time then
};

inline double median(std::vector<double> numbers) {
    const auto half = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
    std::nth_element(numbers.begin(), half, numbers.end());
    if (numbers.size() % 2 == 1)
        return *half;
    return (*half + *std::max_element(numbers.begin(), half)) / 2;
}

inline double geometric_mean(const std::vector<double>& numbers) {
    double sum = 0;
    for (double x : numbers)
        sum += std::log(x);
    return std::exp(sum / static_cast<double>(numbers.size()));
}

/// Seconds a call: seconds[runner][round].
struct Samples {
    std::vector<std::vector<double>> seconds;
    int disturbed = 0; // how many of them

    std::size_t rounds() const { return seconds.front().size(); }
    double typical(std::size_t runner) const { return median(seconds[runner]); }
    double best(std::size_t runner) const { return *std::min_element(seconds[runner].begin(), seconds[runner].end()); }
    /// How many times as long as runner 0 it takes: the median over rounds of the ratio within a round.
    double ratio(std::size_t runner) const {
        std::vector<double> ratios;
        for (std::size_t round = 0; round < rounds(); ++round)
            ratios.push_back(seconds[runner][round] / seconds[0][round]);
        return median(ratios);
    }
};

class Clock {
  public:
    /// Wall time since construction; but where another process had this CPU for more than 3 % of it, the CPU time of this
    /// process (all its threads).
    double seconds(bool wall_only = false) {
        const double cpu = cpu_time() - cpu_;
        const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
        disturbed_ = cpu < 0.97 * wall;
        return disturbed_ && !wall_only ? cpu : wall;
    }
    bool disturbed() const { return disturbed_; }

  private:
    static double cpu_time() {
#ifdef CLOCK_PROCESS_CPUTIME_ID
        timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
#else
        return INFINITY;
#endif
    }

    double cpu_ = cpu_time();
    std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
    bool disturbed_ = false;
};

/// Rounds of all runners in turn, each round beginning with another; a runner that takes less than two milliseconds is
/// called several times in a row.
inline Samples alternate(const std::vector<Runner>& runners, const Budget& budget) {
    constexpr double shortest = 2e-3;
    const auto measure = [&](const Runner& runner, long calls, int& disturbed) {
        if (runner.prepare)
            runner.prepare();
        Clock clock;
        for (long k = 0; k < calls; ++k)
            runner.run();
        const double seconds = clock.seconds(budget.wall_only) / static_cast<double>(calls);
        disturbed += clock.disturbed();
        return seconds;
    };

    std::vector<long> calls;
    int ignored = 0;
    for (const Runner& runner : runners) {
        long n = 1;
        double each = measure(runner, n, ignored);
        for (; each * static_cast<double>(n) < shortest / 2; each = measure(runner, n, ignored))
            n *= 4;
        calls.push_back(std::max(1L, std::lround(std::ceil(shortest / each))));
    }

    Samples samples;
    samples.seconds.resize(runners.size());
    Clock whole;
    for (int round = 0; round < budget.most && (round < budget.least || whole.seconds(true) < budget.seconds); ++round)
        for (std::size_t k = 0; k < runners.size(); ++k) {
            const std::size_t r = (k + static_cast<std::size_t>(round)) % runners.size();
            samples.seconds[r].push_back(measure(runners[r], calls[r], samples.disturbed));
        }
    return samples;
}

/// Keeps registers busy with fused multiply-adds on the widest lanes and nothing else.
class FmaPeak {
  public:
    static constexpr double flops = 2. * 1000 * 1000 * 10;

    void run() {
        using V = carousel::simd::Lane<float>;
        constexpr int sums = carousel::simd::registers * 3 / 4; // more under way than latency × units
        constexpr auto rounds = static_cast<long>(flops / 2 / (sums * carousel::simd::size_of<V>));
        V acc[sums];
        for (int s = 0; s < sums; ++s) // different, or the compiler sees that they stay equal
            acc[s] = carousel::simd::splat<V>(static_cast<float>(s));
        const V factor = carousel::simd::splat<V>(factor_), term = carousel::simd::splat<V>(term_);
        for (long k = 0; k < rounds; ++k)
#pragma GCC unroll 32
            for (int s = 0; s < sums; ++s)
                acc[s] = acc[s] * factor + term;
        V total{};
        for (const V& a : acc)
            total += a;
        result_ = total[0];
    }

  private:
    // Not constants to the compiler, nor is the result unused.
    volatile float factor_ = 0.999F, term_ = 1e-3F, result_ = 0;
};

} // namespace benchmarks
