#include "carousel/kernel/thread_pool.hpp"
#include "carousel/kernel/threads.hpp"

#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#    include <sys/wait.h>
#    include <unistd.h>
#endif
#if defined(__GLIBC__)
#    include <pthread.h>
#endif

using namespace carousel;
using shared::ThreadPool;

TEST_CASE("ThreadPool: every shard runs once, with fewer and with more shards than threads, again and again") {
    for (const int threads : {1, 2, 3, 5}) {
        ThreadPool pool(threads);
        REQUIRE(pool.size() == threads);
        for (int round = 0; round < 200; ++round)
            for (const int shards : {0, 1, 2, 3, 7}) {
                std::vector<std::atomic<int>> runs(7);
                pool.run(shards, [&](int shard) { ++runs[static_cast<std::size_t>(shard)]; });
                bool once = true;
                for (int s = 0; s < 7; ++s)
                    once = once && runs[static_cast<std::size_t>(s)] == (s < shards ? 1 : 0);
                REQUIRE(once);
            }
    }
}

TEST_CASE("ThreadPool: what the shards have written is there when run returns") {
    ThreadPool pool(3);
    std::vector<int> numbers(3);
    for (int round = 1; round <= 1000; ++round) {
        pool.run(3, [&](int shard) { numbers[static_cast<std::size_t>(shard)] += round; });
        REQUIRE((numbers[0] == numbers[1] && numbers[1] == numbers[2]));
    }
}

TEST_CASE("ThreadPool: a shard may ask for shards, and threads may share the pool") {
    ThreadPool pool(3);
    std::atomic<int> count{0};
    pool.run(4, [&](int) { pool.run(5, [&](int) { ++count; }); });
    CHECK(count == 20);
    const auto user = [&] {
        for (int round = 0; round < 200; ++round)
            pool.run(3, [&](int) { ++count; });
    };
    std::thread other(user);
    user();
    other.join();
    CHECK(count == 20 + 2 * 200 * 3);
}

TEST_CASE("ThreadPool: sleeping workers wake up, and so does a caller that sleeps until the last shard ends") {
    ThreadPool pool(3);
    std::atomic<int> count{0};
    for (int round = 0; round < 10; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        pool.run(3, [&](int shard) {
            if (shard == round % 3)
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            ++count;
        });
        REQUIRE(count == 3 * (round + 1));
    }
}

TEST_CASE("ThreadPool: a shard's exception reaches the caller when no shard runs any more, and the pool goes on") {
    for (const int threads : {1, 2, 4}) {
        ThreadPool pool(threads);
        for (int round = 0; round < 100; ++round) {
            std::atomic<int> running{0}, count{0};
            const auto shard = [&](int s) {
                ++running;
                ++count;
                if (s % 2 == round % 2)
                    std::this_thread::yield();
                --running;
                if (s == 3)
                    throw std::runtime_error("shard 3");
            };
            REQUIRE_THROWS_WITH(pool.run(4, shard), "shard 3");
            REQUIRE(running == 0);
            REQUIRE_THROWS_AS(pool.run(4, [](int) { throw std::bad_alloc(); }), std::bad_alloc);
            count = 0;
            pool.run(3, shard);
            REQUIRE(count == 3);
        }
        REQUIRE(pool.size() == threads);
    }
}

TEST_CASE("ThreadPool: a job keeps its threads when their number is changed, from inside it or by another thread") {
    ThreadPool pool(3);
    std::atomic<int> count{0};
    pool.run(3, [&](int) {
        pool.resize(2);
        ++count;
    });
    CHECK(count == 3);
    CHECK(pool.size() == 2);
    std::atomic<bool> ends{false};
    std::thread other([&] {
        for (int n = 1; !ends; n = n % 4 + 1)
            pool.resize(n);
    });
    for (int round = 0; round < 300; ++round)
        pool.run(3, [&](int) { ++count; });
    ends = true;
    other.join();
    CHECK(count == 3 + 300 * 3);
    pool.resize(2);
    CHECK(pool.size() == 2);
}

TEST_CASE("ThreadPool: a closed one runs its jobs in the thread that asks") {
    ThreadPool pool(3);
    pool.close();
    CHECK(pool.size() == 1);
    pool.resize(2);
    CHECK(pool.size() == 1);
    bool all_here = true;
    const auto here = std::this_thread::get_id();
    pool.run(3, [&](int) { all_here = all_here && std::this_thread::get_id() == here; });
    CHECK(all_here);
}

#if defined(__GLIBC__) && defined(__LP64__)
TEST_CASE("ThreadPool: a thread that the system refuses is done without") {
    pthread_attr_t usual, huge;
    REQUIRE(pthread_getattr_default_np(&usual) == 0);
    REQUIRE(pthread_getattr_default_np(&huge) == 0);
    REQUIRE(pthread_attr_setstacksize(&huge, std::size_t{1} << 50) == 0); // more than there are addresses
    ThreadPool pool(2);
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
    pool.resize(4);
    const int size = pool.size();
    std::atomic<int> count{0};
    pool.run(4, [&](int) { ++count; });
    REQUIRE(pthread_setattr_default_np(&usual) == 0);
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
    CHECK(size == 1);
    CHECK(count == 4);
    pool.resize(4);
    CHECK(pool.size() == 4);
}
#endif

#if defined(__unix__) || defined(__APPLE__)
namespace {

/// What f returns in a child of fork(); 100 and more: the signal that ended it.
template <class F>
int in_child(F&& f) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(20); // instead of hanging
        _exit(f());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

} // namespace

TEST_CASE("ThreadPool: a child of fork has threads of its own, also when the parent was at work") {
    ThreadPool pool(3);
    const auto meet = [&](int threads) { // each waits for the others, which takes that many threads
        std::atomic<int> met{0}, count{0};
        pool.run(threads, [&](int) {
            ++met;
            for (int waits = 0; met < threads && waits < 10000; ++waits)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            count += met;
        });
        return count.load();
    };
    const auto works = [&] {
        std::atomic<int> count{meet(2)};
        for (int round = 0; round < 100; ++round)
            pool.run(3, [&](int) { ++count; });
        pool.resize(2);
        pool.run(2, [&](int) { ++count; });
        const int size = pool.size();
        pool.resize(3);
        return size == 2 && count == 4 + 300 + 2 ? 0 : 1;
    };
    // A thread that starts allocates, and a sanitizer's allocator stays locked in a child that is forked meanwhile: no fork before
    // all of them have started.
    CHECK(meet(3) == 9);
    CHECK(in_child(works) == 0);
    CHECK(in_child([&] { return in_child(works); }) == 0);
    CHECK(in_child([&] {
              pool.close();
              return 0;
          }) == 0);
    std::atomic<bool> started{false}, ends{false};
    std::thread other([&] {
        started = true;
        while (!ends)
            pool.run(3, [](int) { std::this_thread::yield(); });
    });
    while (!started)
        std::this_thread::yield();
    for (int round = 0; round < 20; ++round)
        CHECK(in_child(works) == 0);
    ends = true;
    other.join();
    CHECK(works() == 0);
}
#endif

TEST_CASE("set_threads: 1 until it is called, and less is refused") {
    CHECK(threads() == 1);
    set_threads(2);
    CHECK(threads() == 2);
    REQUIRE_THROWS_AS(set_threads(0), std::invalid_argument);
    REQUIRE_THROWS_WITH(set_threads(0), "set_threads: n is 0, expected at least 1");
    CHECK(threads() == 2);
    set_threads(1);
    CHECK(threads() == 1);
}
