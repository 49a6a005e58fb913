// run_ranks: the main of a program that mpirun starts. MPI begins and ends here, and an error is told once.
#pragma once

#include "carousel/mpi/communicator.hpp"
#include "carousel/mpi/meeting.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iostream>
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
        const auto tell = [&](const std::string& text) {
            std::cerr << "error: " + text + '\n' << std::flush;
            code = 1;
        };
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
        if (error && together) {
            code = 1;
            failure = detail::what(error);
            if (ranks.rank() == 0)
                tell(failure);
        } else if (error) {
            tell("rank " + detail::decimal(ranks.rank()) + " of " + detail::decimal(ranks.size()) + ": " +
                 detail::what(error));
            if (ranks.size() > 1)
                MPI_Abort(MPI_COMM_WORLD, 1);
        }
        // Those of a part of the ranks, as MPI_Comm_split makes one, may have failed without rank 0.
        const auto failures = ranks.gather(std::as_bytes(std::span<const char>(failure)));
        const auto first =
            std::find(failures.begin(), failures.end(), failures[static_cast<std::size_t>(ranks.rank())]);
        if (!failure.empty() && ranks.rank() > 0 && first - failures.begin() == ranks.rank())
            tell(failure);
    }
    MPI_Finalize();
    return code;
}

} // namespace carousel
