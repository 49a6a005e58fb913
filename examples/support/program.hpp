// What every example program does with its command line and its errors.
#pragma once

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <sstream>
#include <string>

namespace example {

/// For an option's check: a number from low to high, so no NaN, which CLI::Range lets pass.
inline CLI::Validator between(double low, double high) {
    std::ostringstream range;
    range.precision(10);
    range << low << " … " << high;
    const auto check = [low, high, range = range.str()](const std::string& text) {
        double value = 0;
        const bool holds = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
        return holds ? std::string() : "is " + text + ", expected a number within " + range;
    };
    return {check, ""};
}

/// Reads the command line; throws what app.parse throws.
inline void parse(CLI::App& app, int argc, char** argv) {
    app.get_formatter()->column_width(36);
    app.parse(argc, argv);
}

/// Runs body() after parsing. --help ends well; an error is one line on standard error and exit code 1.
template <class Body>
int run_program(CLI::App& app, int argc, char** argv, Body&& body) {
    try {
        parse(app, argc, argv);
        body();
        return 0;
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << '\n';
        return 1;
    }
}

} // namespace example
