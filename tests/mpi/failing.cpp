#include "failing.hpp"
#include "ranks_test.hpp"

#include <csignal>
#include <functional>
#include <stdexcept>

namespace carousel::test {

namespace {

/// A training whose last rank does something in the third batch.
int failing(int argc, char** argv, const std::function<void()>& what, bool without_first = false) {
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

std::optional<int> run_failing(std::string_view name, int argc, char** argv) {
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
    return std::nullopt;
}

} // namespace carousel::test
