// run_ranks: the main of a program that mpirun starts. MPI begins and ends here, and an error is told once.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/mpi/communicator.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// f(communicator) between MPI_Init and MPI_Finalize, with the communicator of all ranks; returns what main returns: 0,
/// or what f returns, if that is an int.
///
///     int main(int argc, char** argv) {
///         return run_ranks(argc, argv, [&](const Communicator& ranks) {
///             fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 15}, ranks);
///         });
///     }
///
/// An exception is a line on standard error and the exit code 1: of a RankFailure, which all ranks throw, or all of a
/// communicator, the first of them writes it; with another one, which the other ranks don't know of, its rank writes it
/// and ends all (MPI_Abort).
template <class F>
int run_ranks(int& argc, char**& argv, F&& f, CommunicatorOptions options = {}) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    int code = 0;
    {
        const Communicator ranks(MPI_COMM_WORLD, options);
        const auto all = [&] {
            if constexpr (std::is_same_v<std::invoke_result_t<F&, const Communicator&>, int>)
                code = f(ranks);
            else
                f(ranks);
        };
        bool together = false;
        const std::exception_ptr error =
            detail::caught([&] { detail::instead_of<RankFailure>(all, [&](const RankFailure&) { together = true; }); });
        std::string failure;
        if (error) {
            code = 1;
            failure = detail::what_of(error);
            if (!together && ranks.size() > 1)
                ranks.abort(failure);
        }
        // Of ranks that have failed together, which may be a part of all, as MPI_Comm_split makes one, the first tells it.
        const auto failures = ranks.gather(std::as_bytes(std::span<const char>(failure)));
        const auto own = failures.begin() + ranks.rank();
        if (error && std::find(failures.begin(), own, *own) == own)
            std::fprintf(stderr, "error: %s\n", failure.c_str());
    }
    MPI_Finalize();
    return code;
}

} // namespace carousel
