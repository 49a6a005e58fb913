// The first Ctrl-C ends a training after the current batch, and the program goes on with what was learnt; the second ends the
// program.
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

/// For FitOptions::callbacks. After Ctrl-C every later training stops after its first batch, too: a program with several trainings
/// asks interrupted() between them.
inline carousel::Callback stop_on_interrupt() {
    std::signal(SIGINT, [](int) {
        detail::interrupted = 1;
        std::signal(SIGINT, SIG_DFL);
    });
    return [](carousel::Progress& progress) { progress.stop = progress.stop || interrupted(); };
}

} // namespace example
