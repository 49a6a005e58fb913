// carousel convert: a model's file in one format written in another.
#include "commands.hpp"
#include "message.hpp"
#include "net.hpp"
#include "paths.hpp"
#include "runner.hpp"

#include "carousel/train/summary.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace tool {

namespace {

struct Options {
    std::string out, to, state;
    bool drop_state = false;
    SaveOptions save;
};

bool is_zero(const carousel::Model<float>::State& state) {
    for (const auto& part : state)
        if (!part.isZero(0))
            return false;
    return true;
}

int convert(NetArgument& in, const Options& options) {
    const Format& to = format_of_output(options.out, options.to);
    check_usage(options.save.modules.empty() || std::string(to.name) == "pytorch",
                "--modules is of the format pytorch; ", options.out, " is written as ", to.title);
    check_usage(!options.save.states || std::string(to.name) == "onnx", "--states is of the format onnx; ", options.out,
                " is written as ", to.title);
    check_other_file(options.out, in.path(), "the model");
    check_other_file(options.state, in.path(), "the model");
    check_other_file(options.state, options.out, "OUT");
    Net net = in.load();
    const carousel::Model<float>::State state = net.state;
    const bool kept = to.keeps_state && !options.save.states;
    if (options.drop_state)
        net.state.clear();
    check(kept || is_zero(net.state) || !options.state.empty(), in.path(),
          ": holds the state in which the model begins, for which there is no place in a file of ", to.title,
          options.save.states ? " whose states are inputs" : "",
          "; write it to a file of its own with --save-state FILE (for carousel run --state), or begin with zero with "
          "--drop-state");
    check(options.state.empty() || !state.empty(), in.path(),
          ": holds no state for --save-state; the model begins with zero");
    try {
        to.save(options.out, net, options.save);
    } catch (const std::invalid_argument& error) { // the format can't say the model
        throw std::runtime_error(in.path() + " as " + to.title + ": " + error.what());
    }
    if (!options.state.empty()) // last, as a format may refuse the model
        write_state(options.state, state);
    std::printf("wrote %s: %s, %s parameters\n", options.out.c_str(), to.title,
                carousel::detail::with_commas(carousel::detail::count_parameters(net.model).all).c_str());
    return 0;
}

} // namespace

Command convert_command(CLI::App& program) {
    CLI::App* const app = program.add_subcommand("convert", "Write a model in another format");
    app->footer("The formats are those of the extensions: .safetensors (Carousel's), .onnx, .json (RTNeural, AIDA-X), "
                ".nam; or\n"
                "--to pytorch for a .safetensors file with PyTorch's names. Metadata go along. A state that would be "
                "lost is refused.\n"
                "examples:\n"
                "  carousel convert model.keras model.onnx\n"
                "  carousel convert model.pt model.safetensors --architecture \"LSTM, last, Linear\"\n"
                "  carousel convert model.onnx back.safetensors --to pytorch --modules rnn,linear\n"
                "  carousel convert amp.nam amp.json --drop-state");
    const auto options = std::make_shared<Options>();
    const auto in = std::make_shared<NetArgument>(*app, "IN");
    app->add_option("OUT", options->out, "the file to write")->required();
    app->add_option("--to", options->to, "its format, where the extension doesn't say it: " + format_names(true))
        ->group("The file to write");
    app->add_option("--modules", options->save.modules,
                    "PyTorch: the names of the modules of the layers with weights, between commas")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group("The file to write");
    app->add_flag("--states", options->save.states, "ONNX: states are inputs and outputs of the graph")
        ->group("The file to write");
    app->add_option("--save-state", options->state, "write the state that IN holds to this file")
        ->group("The file to write");
    app->add_flag("--drop-state", options->drop_state, "begin with zero, whatever IN holds")
        ->group("The file to write");
    return {app, [in, options] { return convert(*in, *options); }};
}

} // namespace tool
