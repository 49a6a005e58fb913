// Programs of which one process fails.
#pragma once

#include <optional>
#include <string_view>

namespace carousel::test {

/// Runs the program of this name, and returns its exit code; none if there is no such program.
std::optional<int> run_failing(std::string_view name, int argc, char** argv);

} // namespace carousel::test
