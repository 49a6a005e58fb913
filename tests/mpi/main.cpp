// main() of the tests that mpirun runs: each process runs all of them, and says what failed there. With a name instead of tests, a
// program that ends as mpirun should notice.
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"

#include "ranks_test.hpp"

#include <csignal>
#include <cstdlib>
#include <new>
#include <string_view>

using namespace carousel;
using namespace carousel::test;

namespace {

/// A training whose last rank does something in the third batch.
template <class F>
int failing(int& argc, char**& argv, F what, bool without_first = false) {
    return run_ranks(argc, argv, [&](const Communicator& world) {
        MPI_Comm part = MPI_COMM_NULL;
        MPI_Comm_split(MPI_COMM_WORLD, without_first && world.rank() == 0 ? 1 : 0, 0, &part);
        if (without_first && world.rank() == 0)
            return;
        const Communicator ranks(part);
        MPI_Comm_free(&part);
        Net model = net();
        const auto last = [&](Index calls) {
            if (ranks.rank() == ranks.size() - 1 && calls == 3 + 6) // the checks have read the 23 samples before
                what();
        };
        fit(model, Watched{data(), last}, MeanSquaredError{}, Adam{}, {.epochs = 100, .batch_size = 4}, ranks);
    });
}

} // namespace

void* operator new(std::size_t size) {
    if (size <= largest_new)
        if (void* const memory = std::malloc(size > 0 ? size : 1))
            return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size,
                   const std::nothrow_t&) noexcept { // which Catch2 calls; a sanitizer has one of its own
    return size <= largest_new ? std::malloc(size > 0 ? size : 1) : nullptr;
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

int main(int argc, char** argv) {
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "throws")
        return failing(argc, argv, [] { throw std::runtime_error("the disk is gone"); });
    if (name == "throws_in_part") // of which rank 0 isn't
        return failing(
            argc, argv, [] { throw std::runtime_error("the disk is gone"); }, true);
    if (name == "killed")
        return failing(argc, argv, [] { std::raise(SIGKILL); });
    if (name == "throws_alone") // the others are within fit, which knows nothing of it
        return run_ranks(argc, argv, [](const Communicator& ranks) {
            if (ranks.rank() == ranks.size() - 1)
                throw std::runtime_error("there is no file");
            Net model = net();
            fit(model, data(), MeanSquaredError{}, Adam{}, {}, ranks);
        });
    return run_ranks(argc, argv, [&](const Communicator& ranks) {
        int failed = Catch::Session().run(argc, argv) == 0 ? 0 : 1;
        MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        if (ranks.rank() == 0 && failed != 0)
            std::printf("tests failed on one rank at least\n");
        return failed;
    });
}
