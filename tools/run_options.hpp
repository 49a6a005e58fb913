// The options of what runs a model: run and check.
#pragma once

#include "message.hpp"
#include "net.hpp"
#include "runner.hpp"

#include <CLI/CLI.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

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

    /// The file IN, with warnings of what is unusual in it.
    Array read(const Net& net) const {
        Array x = read_array(in);
        warn_of_nan(x, in);
        const double rate = sample_rate(net.metadata);
        if (x.sample_rate > 0 && rate > 0 && rate != x.sample_rate)
            warn(carousel::detail::message_of(in, ": has ", x.sample_rate, " samples a second, the model is for ", rate,
                                              "; it sounds different. Resample the input first"));
        return x;
    }

    /// The dimensions of what run() gives.
    std::vector<Index> output_shape(const Net& net, const Array& x) const {
        return of_input([&] { return tool::output_shape(net.model, x, options, in); });
    }

    /// Runs the model, of the file `model`, on the numbers of IN.
    Outcome run(const Net& net, const Array& x, const std::string& model) const {
        const std::string why_not = options.stream ? why_not_streamed(net.model) : "";
        check(why_not.empty(), model, ": ", why_not, "; run it without --stream");
        const auto initial = !state.empty() ? read_state(state, net.model)
                             : zero_state   ? carousel::Model<float>::State()
                                            : net.state;
        check_state(initial, net.model, state.empty() ? model : state);
        return of_input([&] { return tool::run(net.model, x, initial, options, in); });
    }

  private:
    /// f(), which the library may find a mistake of the input; it doesn't know the file.
    template <class F>
    std::invoke_result_t<F> of_input(F&& f) const {
        try {
            return f();
        } catch (const std::invalid_argument& error) {
            throw std::runtime_error(in + ": " + error.what());
        }
    }
};

} // namespace tool
