// The options of what runs a model: run and check.
#pragma once

#include "message.hpp"
#include "net.hpp"
#include "runner.hpp"

#include <CLI/CLI.hpp>

#include <stdexcept>
#include <string>

namespace tool {

struct RunArguments {
    std::string in, state;
    bool zero_state = false;
    RunOptions options;

    explicit RunArguments(CLI::App& command) {
        command.add_option("IN", in, "the input: .npy, .csv or .wav")->required();
        command.add_flag("--stream", options.stream, "sample by sample, as a program with live input runs it");
        command.add_flag("--time-major", options.time_major, "arrays are (time, batch, features)");
        command.add_option("--knob", options.knobs, "a further feature, the same at every step; once for each")
            ->allow_extra_args(false);
        auto* const file = command.add_option("--state", state, "begin with the state in this file, of --save-state");
        command.add_flag("--zero-state", zero_state, "begin with zero, also if the model's file holds a state")
            ->excludes(file);
    }
    RunArguments(const RunArguments&) = delete;
    RunArguments& operator=(const RunArguments&) = delete;

    /// Runs the model on the file IN.
    Outcome run(const Net& net) const {
        const Array x = read_array(in);
        warn_of_nan(x, in);
        const double rate = sample_rate(net.metadata);
        if (x.sample_rate > 0 && rate > 0 && rate != x.sample_rate)
            warn(carousel::detail::message_of(in, ": has ", x.sample_rate, " samples a second, the model is for ", rate,
                                              "; it sounds different. Resample the input first"));
        const auto initial = !state.empty() ? read_state(state, net.model)
                             : zero_state   ? carousel::Model<float>::State()
                                            : net.state;
        try {
            return tool::run(net.model, x, initial, options, in);
        } catch (const std::invalid_argument& error) { // of the library, which doesn't know the files
            throw std::runtime_error(in + (state.empty() ? "" : " from " + state) + ": " + error.what());
        }
    }
};

} // namespace tool
