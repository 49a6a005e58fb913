#include "carousel/kernel/threads.hpp"

#include "catch.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace carousel;
using kernel::ThreadPool;

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
