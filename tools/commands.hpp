// The subcommands. Each is a file; a new one is declared here and listed in carousel.cpp.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace tool {

struct Command {
    CLI::App* app;            ///< chosen on the command line if app->parsed()
    std::function<int()> run; ///< returns the exit code, 0 or 1; throws what main reports
};

Command info_command(CLI::App& program);
Command convert_command(CLI::App& program);
Command run_command(CLI::App& program);
Command check_command(CLI::App& program);
Command embed_command(CLI::App& program);

} // namespace tool
