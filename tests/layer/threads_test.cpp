// Passes that share their work among threads: what the thread sanitizer looks at, so few cells and small ones.
#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <atomic>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#    include <sys/wait.h>
#    include <unistd.h>
#endif

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr Index steps = 5, batch = 40;

auto model() {
    return Sequential{LSTM<float>{3, 20, {.peephole = true}, {.seed = 1}},
                      GRU<float, Dynamic, Dynamic, Reset::before>{20, 33, {}, {.seed = 2}},
                      Dense<float>{33, 2, {.seed = 3}}};
}
using Net = decltype(model());

/// The gradients of one pass.
std::vector<Matrix<float>> gradients(Net& model, Net::Tape& tape) {
    Random random(4);
    const auto x = random_sequence<float>(3, steps, batch, random);
    const auto dy = random_sequence<float>(2, steps, batch, random);
    const auto list = parameters(model);
    zero_gradients(list);
    model.forward(x, tape);
    model.backward(dy, tape);
    std::vector<Matrix<float>> result;
    for (const auto& [name, parameter] : list)
        result.push_back(parameter->grad);
    return result;
}

double largest_difference(const std::vector<Matrix<float>>& a, const std::vector<Matrix<float>>& b) {
    double result = a.size() == b.size() ? 0 : 1;
    for (std::size_t k = 0; k < a.size() && k < b.size(); ++k)
        result = std::max(result, difference(a[k], b[k]));
    return result;
}

} // namespace

TEST_CASE("threads: passes with two to four of them give the gradients of one") {
    Net used = model();
    Net::Tape tape;
    const auto expected = gradients(used, tape);
    for (const int n : {2, 3, 4}) {
        const Threads threads(n);
        for (int round = 0; round < 3; ++round)
            CHECK(largest_difference(gradients(used, tape), expected) < 1e-5);
    }
}

TEST_CASE("threads: their number may be changed while passes are running") {
    Net used = model();
    Net::Tape tape;
    const auto expected = gradients(used, tape);
    std::atomic<bool> ends{false};
    std::thread other([&] {
        for (int n = 1; !ends; n = n % 4 + 1) {
            set_threads(n);
            std::this_thread::yield();
        }
    });
    double worst = 0;
    for (int round = 0; round < 40; ++round)
        worst = std::max(worst, largest_difference(gradients(used, tape), expected));
    ends = true;
    other.join();
    set_threads(1);
    CHECK(worst < 1e-5);
}

TEST_CASE("threads: models in several threads share the pool") {
    const Threads threads(3);
    double worst[3] = {};
    std::vector<std::thread> users;
    for (double& mine : worst)
        users.emplace_back([&mine] {
            Net used = model();
            Net::Tape tape;
            const auto expected = gradients(used, tape);
            for (int round = 0; round < 5; ++round)
                mine = std::max(mine, largest_difference(gradients(used, tape), expected));
        });
    for (auto& user : users)
        user.join();
    for (const double mine : worst)
        CHECK(mine < 1e-5);
}

#if defined(__unix__) || defined(__APPLE__)
TEST_CASE("threads: a child of fork trains with as many as its parent") {
    const Threads threads(2);
    Net used = model();
    Net::Tape tape;
    const auto expected = gradients(used, tape);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20); // instead of hanging
        const bool same = largest_difference(gradients(used, tape), expected) == 0;
        _exit(same && carousel::threads() == 2 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    CHECK(largest_difference(gradients(used, tape), expected) == 0);
}
#endif
