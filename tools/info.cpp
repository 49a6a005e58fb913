// carousel info: what is in a model's file.
#include "commands.hpp"
#include "message.hpp"
#include "net.hpp"
#include "runner.hpp"

#include "carousel/core/shown_text.hpp"
#include "carousel/train/summary.hpp"

#include <cstdio>
#include <memory>

namespace tool {

namespace {

using carousel::Model;

void line(const char* name, const std::string& value) {
    std::printf("%-14s %s\n", name, value.c_str());
}

void describe(const Net& net) {
    const Model<float>& model = net.model;
    const Index words = vocabulary(model), features = model.input_size();
    line("input:", words > 0      ? "tokens, 0 to " + carousel::detail::decimal(words - 1)
                   : features > 0 ? counted(features, "feature") + " a step"
                                  : "any number of features a step");
    line("output:", (features > 0 ? counted(model.output_size(features), "feature") : std::string("as many features")) +
                        (gives_one_step(model) ? ", once a sequence" : ", every step"));
    const double rate = sample_rate(net.metadata);
    line("sample rate:", rate > 0 ? carousel::detail::shortest(rate) + " Hz" : "not in the file");
    std::printf("%s", summary(model).c_str());
    const auto state = any_state(model);
    line("state:", state.empty() ? "none" : net.state.empty() ? "zero at the beginning" : "in the file");
    const auto names = state_owners(model);
    for (std::size_t k = 0; k < state.size(); ++k)
        std::printf("  state.%zu  %td numbers a sequence, %s\n", k, state[k].rows(), names[k].c_str());
    bool first = true;
    for (const auto& [name, value] : net.metadata) {
        if (first)
            std::puts("metadata:");
        first = false;
        std::printf("  %s: %s\n", carousel::detail::shown(name).c_str(), carousel::detail::shown(value).c_str());
    }
}

} // namespace

Command info_command(CLI::App& program) {
    CLI::App* const app =
        program.add_subcommand("info", "What is in a model's file: layers, parameters, state, metadata");
    app->footer("examples:\n"
                "  carousel info amp.nam\n"
                "  carousel info model.pt                                    # its modules\n"
                "  carousel info model.pt --architecture \"LSTM, last, Linear\"");
    const auto argument = std::make_shared<NetArgument>(*app, "FILE");
    return {app, [argument] {
                const Format& format = argument->format();
                const bool modules_alone = format.contents && argument->options().architecture.empty();
                Net net;
                if (modules_alone) {
                    try {
                        net = argument->load();
                    } catch (const std::runtime_error&) {
                        const std::string modules = format.contents(argument->path(), argument->options());
                        line("file:", argument->path());
                        line("format:", format.title);
                        line("modules:", modules);
                        std::printf("The file doesn't say what is done between and after its modules. Complete the "
                                    "line, with last, Tanh, "
                                    "Softmax …, in the order in which they run:\n  --architecture \"%s\"\n",
                                    modules.c_str());
                        return 0;
                    }
                } else
                    net = argument->load();
                line("file:", argument->path());
                line("format:", format.title);
                describe(net);
                return 0;
            }};
}

} // namespace tool
