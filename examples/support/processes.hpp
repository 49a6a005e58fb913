// The switch --mpi of examples that train: the processes that mpirun has started train together, and the first tells of it.
#pragma once

#include "support/program.hpp"

#include <carousel/train/fit.hpp>

#ifdef CAROUSEL_EXAMPLE_MPI
#    include <carousel/mpi/fit.hpp>
#endif

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

namespace example {

/// The processes of a program: this one alone, or with --mpi all that mpirun has started.
class Processes {
  public:
    /// Whether this process writes files and shows results.
    bool is_first() const { return rank() == 0; }

    /// What the first process says.
    bool first_says(bool value) const {
#ifdef CAROUSEL_EXAMPLE_MPI
        if (communicator_)
            return communicator_->gather(std::as_bytes(std::span<const bool>(&value, 1))).front().front() !=
                   std::byte(0);
#endif
        return value;
    }

    /// carousel::fit, by all processes.
    template <class Model, class... Arguments>
    carousel::History fit(Model& model, Arguments&&... arguments) const {
#ifdef CAROUSEL_EXAMPLE_MPI
        if (communicator_)
            return carousel::fit(model, std::forward<Arguments>(arguments)..., *communicator_);
#endif
        return carousel::fit(model, std::forward<Arguments>(arguments)...);
    }

    /// run_program(app, argc, argv, body), of one process or of all.
    template <class Body>
    int run(CLI::App& app, int argc, char** argv, Body&& body) {
#ifdef CAROUSEL_EXAMPLE_MPI
        app.add_flag("--mpi")->disable_flag_override()->description("Train with all processes that mpirun has started");
        if (std::find(argv, argv + argc, std::string_view("--mpi")) == argv + argc)
            return run_program(app, argc, argv, body);
        return carousel::run_ranks(argc, argv, [&](const carousel::Communicator& communicator) {
            communicator_ = &communicator;
            const bool silent = !is_first() && !std::freopen("/dev/null", "w", stdout);
            try {
                parse(app, argc, argv);
            } catch (const CLI::Success& help) {
                return is_first() ? app.exit(help) : 0;
            } catch (const CLI::ParseError& error) { // the same on all
                throw carousel::RankFailure(error.what());
            }
            if (silent)
                throw std::runtime_error("/dev/null can't be opened");
            body();
            return 0;
        });
#else
        return run_program(app, argc, argv, body);
#endif
    }

    /// What the first process, if there are several, has exchanged with the others.
    void report() const {
#ifdef CAROUSEL_EXAMPLE_MPI
        if (communicator_)
            std::printf("%td processes; this one gave %.1f MB to the others and was %.2f s in calls of MPI\n",
                        communicator_->size(), communicator_->traffic().megabytes, communicator_->traffic().seconds);
#endif
    }

  private:
    carousel::Index rank() const {
#ifdef CAROUSEL_EXAMPLE_MPI
        if (communicator_)
            return communicator_->rank();
#endif
        return 0;
    }

#ifdef CAROUSEL_EXAMPLE_MPI
    const carousel::Communicator* communicator_ = nullptr;
#endif
};

} // namespace example
