// Ctrl-C ends a training after the batch it is at, and the program goes on with what has been learnt; a second one ends
// the program.
#pragma once

#include <carousel/train/history.hpp>

#include <csignal>

namespace example {

namespace detail {
inline volatile std::sig_atomic_t interrupted = 0;
}

/// Whether Ctrl-C was pressed since the first stop_on_interrupt().
inline bool interrupted() {
    return detail::interrupted != 0;
}

/// For FitOptions::callbacks. Whoever trains more than once asks interrupted() between; further trainings stop after
/// their first batch.
inline carousel::Callback stop_on_interrupt() {
    std::signal(SIGINT, [](int) {
        detail::interrupted = 1;
        std::signal(SIGINT, SIG_DFL);
    });
    return [](carousel::Progress& progress) { progress.stop = progress.stop || interrupted(); };
}

} // namespace example
