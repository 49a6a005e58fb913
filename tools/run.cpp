// carousel run: a model's output for a file of inputs.
#include "commands.hpp"
#include "paths.hpp"
#include "run_options.hpp"

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

namespace tool {

namespace {

struct Options {
    NetArgument model;
    RunArguments run;
    std::string out, save_state, wav = "float";
    int sample_rate = 0;

    explicit Options(CLI::App& app) : model(app, "MODEL"), run(app) {}
};

/// "23.9", "949", "1230": three digits, or all before the point.
std::string three_digits(double number) {
    char text[64];
    std::snprintf(text, sizeof text, number < 100 ? "%.3g" : "%.0f", number);
    return text;
}

std::string duration(double seconds) {
    const double magnitude[] = {1e-9, 1e-6, 1e-3, 1};
    const char* const unit[] = {"ns", "us", "ms", "s"};
    std::size_t k = 0;
    while (k + 1 < std::size(magnitude) && seconds / magnitude[k] >= 999.5) // 1000 when rounded
        ++k;
    return three_digits(seconds / magnitude[k]) + " " + unit[k];
}

/// What can be known to be wrong before the run, so that a long one isn't in vain and nothing is written of it.
void check_outputs(const Options& options, const Net& net, const Array& y) {
    const std::string& out = options.out;
    check(!(is_audio(out) && gives_one_step(net.model)), out,
          ": the model gives one step, which is no audio; write .npy or .csv");
    check_fits(out, y);
    check_folder(out);
    if (options.save_state.empty())
        return;
    check(!net.model.empty_state().empty(), options.save_state, ": the model has no state to save");
    check_folder(options.save_state);
}

int run(const Options& options) {
    check_writable(options.out);
    for (const std::string& path : {options.out, options.save_state}) {
        check_other_file(path, options.model.path(), "the model");
        check_other_file(path, options.run.in, "the input");
    }
    check_other_file(options.out, options.run.state, "the state");
    check_other_file(options.save_state, options.out, "OUT");
    const Net net = options.model.load();
    const Array x = options.run.read(net);
    // The signal's rate, and that of the file that is written.
    const double rate = x.sample_rate > 0         ? x.sample_rate
                        : options.sample_rate > 0 ? options.sample_rate
                                                  : sample_rate(net.metadata);
    const int written_rate = options.sample_rate > 0 ? options.sample_rate : static_cast<int>(std::lround(rate));
    check_outputs(options, net, {options.run.output_shape(net, x), {}, written_rate});
    if (const std::string why = options.save_state.empty() ? "" : why_not_streamed(net.model); !why.empty())
        warn(
            options.model.path() + ": " + why +
            "; so parts of a sequence, each from the state that the one before saved, don't give what the whole gives");
    Outcome outcome = options.run.run(net, x, options.model.path());
    warn_of_nan(outcome.y, options.out);
    outcome.y.sample_rate = written_rate;
    write_array(options.out, outcome.y,
                options.wav == "16"   ? Samples::integers16
                : options.wav == "24" ? Samples::integers24
                                      : Samples::floats);
    if (!options.save_state.empty())
        write_state(options.save_state, outcome.state);

    const double step = outcome.seconds / static_cast<double>(outcome.sequences * outcome.steps);
    std::printf("wrote %s: %s\n", options.out.c_str(), shape_text(outcome.y.shape).c_str());
    if (outcome.sequences > 1)
        std::printf("%td sequences of ", outcome.sequences);
    std::printf("%td step%s in %s, %s a step", outcome.steps, outcome.steps == 1 ? "" : "s",
                duration(outcome.seconds).c_str(), duration(step).c_str());
    if (rate > 0 && outcome.seconds > 0) // of all channels together
        std::printf(", %s x real time at %.6g Hz",
                    three_digits(static_cast<double>(outcome.steps) / rate / outcome.seconds).c_str(), rate);
    std::puts("");
    return 0;
}

} // namespace

Command run_command(CLI::App& program) {
    CLI::App* const app = program.add_subcommand("run", "Run a model on a file of inputs");
    app->footer("IN is (time), (time, features) or (batch, time, features); of tokens (time) or (batch, time). OUT is "
                "likewise; of a\n"
                "model that gives the last step alone (batch, features). A .csv file is one sequence, a row a step; of "
                "tokens a row a\n"
                "sequence, or one column. Each channel of a .wav file is a feature, or is run by itself if the model "
                "takes one.\n"
                "The state begins as the model's file says (NAM, ONNX), or with zero.\n"
                "examples:\n"
                "  carousel run model.onnx x.npy y.npy\n"
                "  carousel run amp.nam guitar.wav amp.wav --stream --prewarm\n"
                "  carousel run pedal.json guitar.wav out.wav --knob 0.5\n"
                "  carousel run model.safetensors part1.csv y1.csv --save-state state.safetensors\n"
                "  carousel run model.safetensors part2.csv y2.csv --state state.safetensors");
    const auto options = std::make_shared<Options>(*app);
    app->add_option("OUT", options->out, "the output: .npy, .csv or .wav")->required();
    app->add_option("--save-state", options->save_state, "write the final state to this file");
    app->add_option("--sample-rate", options->sample_rate,
                    "of a .wav file that is written, in Hz; by default the input's or the model's")
        ->check(CLI::Range(1, 10'000'000));
    app->add_option("--wav", options->wav,
                    "the samples of a .wav file that is written: float, 16 or 24 bits, clipped to -1 … 1")
        ->capture_default_str()
        ->check(CLI::IsMember({"float", "16", "24"}));
    return {app, [options] { return run(*options); }};
}

} // namespace tool
