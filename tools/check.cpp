// carousel check: how far a model's output is from a reference.
#include "commands.hpp"
#include "run_options.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>

namespace tool {

namespace {

struct Options {
    NetArgument model;
    RunArguments run;
    std::string reference;
    double tolerance = 1e-5;

    explicit Options(CLI::App& app) : model(app, "MODEL"), run(app) {}
};

/// Without dimensions of one, so that (time), (time, 1) and (1, time, 1) are the same.
std::vector<Index> without_ones(std::vector<Index> shape) {
    std::erase(shape, 1);
    return shape;
}

/// "[3, 0]": where the number of this place is.
std::string place(std::size_t k, const std::vector<Index>& shape) {
    std::string text = "]";
    for (std::size_t d = shape.size(); d-- > 0;) {
        const auto size = static_cast<std::size_t>(shape[d]);
        text = (d > 0 ? ", " : "[") + std::to_string(k % size) + text;
        k /= size;
    }
    return text;
}

int compare(Options& options) {
    check_usage(options.tolerance >= 0, "--tolerance is ", options.tolerance, ", expected a number >= 0");
    const Net net = options.model.load();
    const Outcome outcome = options.run.run(net, options.run.read(net), options.model.path());
    const Array reference = read_array(options.reference);
    const Array& y = outcome.y;
    check(without_ones(y.shape) == without_ones(reference.shape), options.reference, ": is ",
          shape_text(reference.shape), ", the model's output is ", shape_text(y.shape));
    double worst = 0;
    std::size_t where = 0;
    for (std::size_t k = 0; k < y.numbers.size(); ++k) {
        const auto actual = static_cast<double>(y.numbers[k]), expected = static_cast<double>(reference.numbers[k]);
        if (actual == expected) // also infinities, whose difference is NaN
            continue;
        const double error = std::abs(actual - expected);
        if (error <= worst)
            continue;
        worst = std::isnan(error) ? std::numeric_limits<double>::quiet_NaN() : error;
        where = k;
        if (std::isnan(worst))
            break; // nothing is worse
    }
    std::printf("output %s against %s, %s\n", shape_text(y.shape).c_str(), options.reference.c_str(),
                options.run.options.stream ? "streamed" : "whole sequences");
    if (worst != 0)
        std::printf("the largest difference is at %s: %.9g, expected %.9g\n", place(where, y.shape).c_str(),
                    static_cast<double>(y.numbers[where]), static_cast<double>(reference.numbers[where]));
    // with every digit: rounded, it might be within a tolerance that it is beyond
    std::printf("max_abs_error=%s\n", std::isnan(worst) ? "nan" : carousel::detail::shortest(worst).c_str());
    return worst <= options.tolerance ? 0 : 1;
}

} // namespace

Command check_command(CLI::App& program) {
    CLI::App* const app = program.add_subcommand("check", "Compare a model's output with a reference");
    app->footer("Prints max_abs_error=NUMBER last. Exit code 1 if that is more than the tolerance or NaN, or if the "
                "shapes differ, where\n"
                "dimensions of one don't count: (time) is as good as (time, 1).\n"
                "examples:\n"
                "  carousel check model.onnx x.npy y.npy\n"
                "  carousel check amp.nam x.wav y.wav --stream --tolerance 1e-4");
    const auto options = std::make_shared<Options>(*app);
    app->add_option("REFERENCE", options->reference, "what the output should be: .npy, .csv or .wav")->required();
    app->add_option("--tolerance", options->tolerance, "the largest difference that is right")->capture_default_str();
    return {app, [options] { return compare(*options); }};
}

} // namespace tool
