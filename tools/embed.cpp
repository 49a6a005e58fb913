// carousel embed: a model as a C++ header, its weights constants.
#include "commands.hpp"
#include "message.hpp"
#include "net.hpp"
#include "paths.hpp"

#include "carousel/io/header.hpp"
#include "carousel/train/summary.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace tool {

namespace {

struct Options {
    std::string out, name;
};

/// The namespace that the options say: a header my-amp.hpp has the namespace my_amp.
std::string namespace_of(const Options& options) {
    std::string name = options.name;
    if (name.empty()) {
        name = std::filesystem::path(options.out).stem().string();
        for (char& c : name)
            if (c == '-' || c == '.' || c == ' ')
                c = '_';
    }
    const char* const why = carousel::detail::header::why_no_name(name);
    check_usage(!why, "the namespace \"", name, "\" ", why ? why : "", "; --name says another, such as model");
    return name;
}

int embed(NetArgument& in, const Options& options) {
    const std::string end = lower_extension(options.out);
    check_usage(end == ".h" || end == ".hh" || end == ".hpp" || end == ".hxx", options.out, ": \"", end,
                "\" isn't a header's extension: .h, .hh, .hpp or .hxx");
    const std::string name = namespace_of(options);
    check_other_file(options.out, in.path(), "the model");
    const Net net = in.load();
    try {
        carousel::save_header(options.out, net, {.name = name});
    } catch (const std::invalid_argument& error) { // what C++ can't say
        throw std::runtime_error(in.path() + " as a C++ header: " + error.what());
    }
    std::printf("wrote %s: namespace %s, %s parameters\n", options.out.c_str(), name.c_str(),
                carousel::detail::with_commas(carousel::detail::count_parameters(net.model).all).c_str());
    return 0;
}

} // namespace

Command embed_command(CLI::App& program) {
    CLI::App* const app = program.add_subcommand("embed", "Write a model as a C++ header, for plugins and firmware");
    app->footer(
        "The header declares, in a namespace, Model (a type whose sizes are known at compile time), model() and "
        "stream(),\nwhich begins in the state that the model's file holds. Who includes it needs Carousel's "
        "headers and Eigen.\n"
        "examples:\n"
        "  carousel embed amp.nam -o amp.hpp\n"
        "  carousel embed model.keras -o net.hpp --name vad");
    const auto options = std::make_shared<Options>();
    const auto in = std::make_shared<NetArgument>(*app, "MODEL");
    app->add_option("-o,--out", options->out, "the header to write")->required();
    app->add_option("--name", options->name, "the namespace; by default the header's name without its extension");
    return {app, [in, options] { return embed(*in, *options); }};
}

} // namespace tool
