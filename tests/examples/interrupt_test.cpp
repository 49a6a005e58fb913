#include "support/interrupt.hpp"

#include "catch.hpp"

using namespace carousel;
using namespace example;

TEST_CASE("stop_on_interrupt: the first Ctrl-C ends the training after its batch, the second is the system's again") {
    const auto before = std::signal(SIGINT, SIG_DFL);
    const Callback stop = stop_on_interrupt();
    const EpochReport report;
    Progress progress{1, 2, 1, 4, false, report};
    stop(progress);
    CHECK_FALSE((progress.stop || interrupted()));
    std::raise(SIGINT);
    CHECK(interrupted());
    stop(progress);
    CHECK(progress.stop);
    CHECK(std::signal(SIGINT, before) == SIG_DFL);
    example::detail::interrupted = 0;
}
