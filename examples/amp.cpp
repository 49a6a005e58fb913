// Can a net learn an amplifier from a recording of what went in and what came out? It learns many to many, in step, and then
// plays sample by sample, here, in NAM, in AIDA-X, or compiled in.
#include "support/circuit.hpp"
#include "support/curves.hpp"
#include "support/interrupt.hpp"
#include "support/program.hpp"
#include "support/recording.hpp"
#include "support/spectrum.hpp"
#include "support/wav.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/header.hpp>
#include <carousel/io/load_model.hpp>
#include <carousel/io/nam.hpp>
#include <carousel/io/rtneural.hpp>
#include <carousel/io/safetensors.hpp>
#include <carousel/io/training_file.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

using namespace carousel;
using namespace example;

namespace {

namespace fs = std::filesystem;

const char* const footer = R"(
  amp demo                                       makes a recording from a circuit, learns it, draws pictures
  amp train dry.wav wet.wav --out my             learns a recording; saves my.safetensors and my.training
  amp train dry.wav wet.wav --out my --resume    goes on after Ctrl-C, or for more --epochs
  amp train --knob 0.1 dry.wav low.wav --knob 0.9 dry.wav high.wav --out my     learns a knob, too
  amp play my.safetensors in.wav out.wav --knob 0.5
  amp export my.safetensors my.nam               or my.json for AIDA-X and RTNeural, or my.hpp, a C++ header
The last line that train and demo print is esr=…: the energy of the error beside the target's, of what was held out)";

struct Settings {
    std::string cell = "lstm";
    Index hidden = 16;
    Index epochs = 100, patience = 30, batch_size = 16;
    Index length = 8192, warm_up = 1024, truncate = 1024;
    double learning_rate = 1e-2, validation = 0.2;
    std::uint64_t seed = 1;
    int threads = 1;
    fs::path out = "amp";
    bool resume = false, no_plots = false;

    std::string dry, wet;
    std::vector<std::tuple<double, std::string, std::string>> knobs;
    std::optional<int> channel, control;

    double seconds = 40, drive = 0.6; // of the demo

    fs::path file(const char* ending) const { return out.string() + ending; }
};

// ---- The net

Model<float> make_net(const std::string& cell, Index inputs, Index hidden) {
    Model<float> net;
    if (cell == "gru")
        net.add(GRU<float>{inputs, hidden, {.initialize = false}});
    else
        net.add(LSTM<float>{inputs, hidden, {.initialize = false}});
    net.add(Dense<float>{hidden, 1, {.initialize = false}});
    return net;
}

/// A net that was saved for play and export: one sound in, perhaps a knob beside it, one sound out.
ModelFile<float> load_net(const std::string& path) {
    ModelFile<float> file = load_model_file<float>(path);
    const Index inputs = file.model.input_size(), outputs = file.model.output_size(inputs);
    if (inputs < 1 || inputs > 2 || outputs != 1)
        throw std::runtime_error(path + ": the net is " + std::to_string(inputs) + " -> " + std::to_string(outputs) +
                                 ", expected 1 -> 1, or 2 -> 1 with a knob");
    return file;
}

/// What its file says of the recording it learned.
int sample_rate(const ModelFile<float>& file, const std::string& path) {
    const auto found = file.metadata.find("sample_rate");
    const int rate = found == file.metadata.end() ? 0 : std::atoi(found->second.c_str());
    if (rate < 1)
        throw std::runtime_error(path + ": its metadata have no sample_rate, which amp train writes");
    return rate;
}

/// The net's output, sample by sample, as a plugin runs it, and how many times faster than real time that was.
struct Played {
    std::vector<float> output;
    double times_real_time = 0;
};
Played play(const Model<float>& net, std::span<const float> dry, std::span<const float> control, int rate) {
    Played played;
    played.output.resize(dry.size());
    Stream stream{net};
    const auto start = std::chrono::steady_clock::now();
    std::array<float, 2> sample{};
    for (std::size_t k = 0; k < dry.size(); ++k) {
        sample = {dry[k], control.empty() ? 0 : control[k]};
        played.output[k] = stream(std::span<const float>(sample.data(), control.empty() ? 1 : 2))[0];
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    played.times_real_time = static_cast<double>(dry.size()) / rate / std::max(seconds, 1e-9);
    return played;
}

// ---- Recordings

Audio read_as(const std::string& path, std::optional<int> channel, int rate, const std::string& other) {
    Audio audio = read_audio(path, channel);
    if (rate != 0 && audio.rate != rate)
        throw std::runtime_error(path + ": has " + std::to_string(audio.rate) + " samples a second, " + other +
                                 " has " + std::to_string(rate) + "; convert one of them");
    return audio;
}

struct Recordings {
    std::vector<Recording> list;
    int rate = 0;
};

Recordings read_recordings(const Settings& settings) {
    require(settings.knobs.empty() ? !settings.dry.empty() && !settings.wet.empty() : settings.dry.empty(), "amp train",
            "expected either two files, dry and wet, or --knob VALUE DRY WET once or more");
    require(settings.knobs.empty() || !settings.control, "amp train",
            "expected --knob, for a knob that stayed where it was, or --control, for one that moved");
    auto triples = settings.knobs;
    if (triples.empty())
        triples.emplace_back(0, settings.dry, settings.wet);
    Recordings all;
    for (const auto& [knob, dry, wet] : triples) {
        Audio in = read_as(dry, settings.channel, all.rate, std::get<1>(triples.front()));
        Audio out = read_as(wet, settings.channel, in.rate, dry);
        if (in.samples.size() != out.samples.size())
            throw std::runtime_error(wet + ": has " + std::to_string(out.samples.size()) + " samples, " + dry +
                                     " has " + std::to_string(in.samples.size()) +
                                     "; cut them so that both begin and end together");
        all.rate = in.rate;
        std::vector<float> control;
        if (settings.control)
            control = read_audio(dry, settings.control).samples;
        else if (!settings.knobs.empty())
            control.assign(in.samples.size(), static_cast<float>(knob));
        all.list.push_back({std::move(in.samples), std::move(out.samples), std::move(control), wet});
    }
    return all;
}

// ---- Training

/// Each recording's last part is held out.
Index first_held_out(const Recording& recording, const Settings& settings) {
    return recording.size() - static_cast<Index>(static_cast<double>(recording.size()) * settings.validation);
}

Picture sound_picture(const std::string& file, std::span<const float> target, std::span<const float> output, int rate) {
    const auto curve = [](const char* name, Style style, std::size_t points, const auto& x, const auto& y) {
        Series series{.name = name, .x = {}, .y = {}, .style = style};
        for (std::size_t k = 0; k < points; ++k) {
            series.x.push_back(x(k));
            series.y.push_back(y(k));
        }
        return series;
    };
    // 20 ms of the waveform, where it is louder than three quarters of it
    const std::size_t shown = std::min(target.size(), std::max<std::size_t>(1, static_cast<std::size_t>(rate) / 50));
    std::vector<std::pair<double, std::size_t>> pieces; // energy, first sample
    for (std::size_t at = 0; at + shown <= target.size(); at += shown)
        pieces.emplace_back(std::transform_reduce(target.begin() + static_cast<std::ptrdiff_t>(at),
                                                  target.begin() + static_cast<std::ptrdiff_t>(at + shown), 0.0,
                                                  std::plus<>(), [](float x) { return static_cast<double>(x * x); }),
                            at);
    const auto quarter = pieces.end() - 1 - static_cast<std::ptrdiff_t>(pieces.size() / 4);
    std::nth_element(pieces.begin(), quarter, pieces.end());
    const std::size_t first = quarter->second;
    const auto time = [&](std::size_t k) { return 1000 * static_cast<double>(k) / rate; };
    Plot wave{.title = "Target and model, held out", .x_label = "milliseconds", .y_label = "", .series = {}};
    wave.series.push_back(curve("model", Style::prediction, shown, time,
                                [&](std::size_t k) { return static_cast<double>(output[first + k]); }));
    wave.series.push_back(curve("target", Style::truth, shown, time,
                                [&](std::size_t k) { return static_cast<double>(target[first + k]); }));

    constexpr std::size_t points = 2048;
    std::vector<float> error(target.size());
    std::transform(target.begin(), target.end(), output.begin(), error.begin(), std::minus<>());
    const auto kilohertz = [&](std::size_t k) { return static_cast<double>(k) * rate / points / 1000; };
    Plot spectrum{.title = "Spectrum", .x_label = "kHz", .y_label = "dB", .series = {}};
    const auto add = [&](const char* name, Style style, std::span<const float> signal) {
        const auto level = decibels(signal, points);
        spectrum.series.push_back(curve(name, style, level.size(), kilohertz, [&](std::size_t k) { return level[k]; }));
    };
    add("target", Style::truth, target);
    add("model", Style::prediction, output);
    add("error", Style::second, error);
    return {.file = file, .frames = {wave, spectrum}, .side_by_side = true};
}

/// Learns, saves, prints and draws. Returns the error-to-signal ratio of what was held out.
double learn(const Recordings& recordings, const Settings& settings) {
    const bool controlled = !recordings.list.front().control.empty();
    const Metadata metadata{{"sample_rate", std::to_string(recordings.rate)}};
    Model<float> net = make_net(settings.cell, controlled ? 2 : 1, settings.hidden);
    net.initialize(settings.seed);
    std::printf("%s\n", summary(net).c_str());

    const SegmentOptions cut{.length = settings.length, .warm_up = settings.warm_up};
    const auto training_data = segments(recordings.list, cut, [&](const Recording& r) {
        return std::pair<Index, Index>(0, first_held_out(r, settings));
    });
    const auto validation_data = segments(recordings.list, cut, [&](const Recording& r) {
        return std::pair<Index, Index>(first_held_out(r, settings), r.size());
    });

    Training training{net, Adam{.learning_rate = settings.learning_rate}};
    const fs::path checkpoint = settings.file(".training");
    if (settings.resume)
        load_training(checkpoint, training);
    const std::clock_t start = std::clock();
    const History& history = fit(
        training, training_data, validation_data, ErrorToSignal{.esr = 0.75, .dc = 0.25, .skip_nan = true},
        {.epochs = std::max<Index>(0, settings.epochs - training.epochs()),
         .batch_size = settings.batch_size,
         .planned_epochs = settings.epochs,
         .seed = settings.seed,
         .clip_norm = 1,
         .truncate = settings.truncate,
         .schedule = CosineAnnealing{},
         .early_stopping = EarlyStopping{.patience = settings.patience},
         .callbacks = {stop_on_interrupt(), progress_bar(), save_training_every(5, checkpoint, training, metadata)}});
    const double cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    save_training(checkpoint, training, metadata); // after Ctrl-C, within an epoch

    std::vector<float> target, output; // what was held out, of all recordings
    double slowest = std::numeric_limits<double>::infinity();
    for (const Recording& recording : recordings.list) {
        const Played played = play(net, recording.dry, recording.control, recordings.rate);
        slowest = std::min(slowest, played.times_real_time);
        const auto first = static_cast<std::ptrdiff_t>(first_held_out(recording, settings));
        target.insert(target.end(), recording.wet.begin() + first, recording.wet.end());
        output.insert(output.end(), played.output.begin() + first, played.output.end());
        if (recordings.list.size() > 1)
            std::printf("%s  esr %.5f\n", recording.name.c_str(),
                        error_to_signal(std::span(played.output).subspan(static_cast<std::size_t>(first)),
                                        std::span(recording.wet).subspan(static_cast<std::size_t>(first))));
    }
    const double esr = error_to_signal(output, target);
    Metadata saved = metadata;
    saved["esr"] = std::to_string(esr);
    save_safetensors(settings.file(".safetensors"), net, saved);
    std::printf("%s saved, of epoch %td; %s goes on with --resume\n", settings.file(".safetensors").string().c_str(),
                history.best_epoch, checkpoint.string().c_str());

    if (!settings.no_plots && gnuplot_is_there()) {
        const std::string name = settings.out.filename().string();
        const fs::path folder = settings.out.parent_path();
        Picture losses = curves(name + "-loss.png", history, "Error to signal, pre-emphasised, and offset");
        losses.frames.front().log_y = true;
        for (const Picture& picture : {sound_picture(name + ".png", target, output, recordings.rate), losses})
            if (draw(picture, folder))
                std::printf("%s drawn\n", (folder / picture.file).string().c_str());
    }
    std::printf("trained in %.1f s of a processor; plays %.0f times as fast as real time\n", cpu_seconds, slowest);
    return esr;
}

double train(const Settings& settings) {
    return learn(read_recordings(settings), settings);
}

double demo(const Settings& settings) {
    constexpr int rate = 48000;
    Recording recording{.dry = guitar_like(static_cast<std::size_t>(settings.seconds * rate), rate, settings.seed),
                        .wet = {}};
    Overdrive overdrive({.drive = settings.drive, .rate = rate});
    for (const float sample : recording.dry)
        recording.wet.push_back(overdrive(sample));
    write_audio(settings.file("-dry.wav"), {recording.dry, rate});
    write_audio(settings.file("-wet.wav"), {recording.wet, rate});
    std::printf("%s and %s recorded\n", settings.file("-dry.wav").string().c_str(),
                settings.file("-wet.wav").string().c_str());
    Recordings recordings{{}, rate};
    recordings.list.push_back(std::move(recording));
    return learn(recordings, settings);
}

// ---- What was learnt

struct PlaySettings {
    std::string model, in, out, format = "float";
    std::optional<double> knob;
    std::optional<int> channel, control;
};

void play_file(const PlaySettings& settings) {
    const ModelFile<float> file = load_net(settings.model);
    const bool controlled = file.model.input_size() == 2;
    require(!(settings.knob && settings.control), "amp play", "expected --knob or --control, not both");
    require((settings.knob || settings.control) == controlled, settings.model.c_str(),
            controlled ? "its net has a second input; give --knob or --control"
                       : "its net has one input, expected neither --knob nor --control");
    const int rate = sample_rate(file, settings.model);
    Audio audio = read_as(settings.in, settings.channel, rate, settings.model);
    std::vector<float> control;
    if (settings.control)
        control = read_audio(settings.in, settings.control).samples;
    else if (settings.knob)
        control.assign(audio.samples.size(), static_cast<float>(*settings.knob));
    const Played played = play(file.model, audio.samples, control, rate);
    audio.samples = played.output;
    const std::size_t clipped = write_audio(settings.out, audio,
                                            settings.format == "16"   ? SampleFormat::pcm16
                                            : settings.format == "24" ? SampleFormat::pcm24
                                            : settings.format == "32" ? SampleFormat::pcm32
                                                                      : SampleFormat::float32);
    std::printf("%s written, %.0f times as fast as real time\n", settings.out.c_str(), played.times_real_time);
    if (clipped > 0)
        std::printf("%zu samples clipped; --bits float keeps them\n", clipped);
}

void export_file(const std::string& model, const fs::path& out) {
    const ModelFile<float> file = load_net(model);
    const std::string ending = out.extension().string();
    if (ending == ".nam")
        save_nam(out, file);
    else if (ending == ".json")
        save_rtneural(out, file.model, file.metadata);
    else if (ending == ".hpp" || ending == ".h")
        save_header(out, file, {.name = "amp"});
    else
        throw std::runtime_error(out.string() + ": expected a name that ends in .nam, .json or .hpp");
    std::printf("%s written\n", out.string().c_str());
}

void add_training_options(CLI::App& app, Settings& s) {
    const auto number = [&](const char* name, auto& value, const char* what, const CLI::Validator& range) {
        app.add_option(name, value, what)->check(range)->capture_default_str();
    };
    const auto count = between(1, 1e6);
    app.add_option("--out", s.out, "Name of what is saved, without its ending")->capture_default_str();
    app.add_option("--cell", s.cell, "lstm or gru")->check(CLI::IsMember({"lstm", "gru"}))->capture_default_str();
    number("--hidden", s.hidden, "Hidden units", between(1, 4096));
    number("--epochs", s.epochs, "Passes over the recording", count);
    number("--patience", s.patience, "Epochs without a better validation loss after which it ends", count);
    number("--batch-size", s.batch_size, "Segments learnt side by side", count);
    number("--segment", s.length, "Samples of a segment that count", count);
    number("--warm-up", s.warm_up, "Samples before them that don't", between(0, 1e6));
    number("--truncate", s.truncate, "Samples between two steps of the optimizer: truncated BPTT", count);
    number("--learning-rate", s.learning_rate, "Adam's, before it falls along a cosine", between(1e-12, 1e6));
    number("--validation", s.validation, "Part of each recording, at its end, that is held out", between(0.01, 0.9));
    number("--seed", s.seed, "Of everything random: one seed, one result", between(0, 4294967295.0));
    number("--threads", s.threads, "Threads", between(1, 64));
    app.add_flag("--no-plots", s.no_plots, "No pictures");
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Learns an amplifier or a pedal from a recording of it, and plays."};
    app.footer(footer);
    app.require_subcommand(1);
    Settings settings;
    PlaySettings playing;
    std::string exported, target;

    CLI::App& training = *app.add_subcommand("train", "Learns a recording");
    training.add_option("DRY", settings.dry, "What went in: a WAV file");
    training.add_option("WET", settings.wet, "What came out");
    training.add_option("--knob", settings.knobs,
                        "VALUE DRY WET, once for each setting of a knob: its value is a second input");
    training.add_option("--channel", settings.channel, "Of files with several: which, from 1");
    training.add_option("--control", settings.control, "A channel of DRY that is a second input, as a knob that moves");
    training.add_flag("--resume", settings.resume, "Goes on with what --out has saved");
    add_training_options(training, settings);

    CLI::App& showing = *app.add_subcommand("demo", "Makes a recording from a circuit and learns it");
    showing.add_option("--seconds", settings.seconds, "Of the recording")
        ->check(between(2, 3600))
        ->capture_default_str();
    showing.add_option("--drive", settings.drive, "The circuit's knob")->check(between(0, 1))->capture_default_str();
    add_training_options(showing, settings);

    CLI::App& player = *app.add_subcommand("play", "Plays a file through a model that was saved");
    player.add_option("MODEL", playing.model, "As train saved it")->required();
    player.add_option("IN", playing.in, "A WAV file")->required();
    player.add_option("OUT", playing.out, "Another, mono")->required();
    player.add_option("--knob", playing.knob, "The second input")->check(between(-1e6, 1e6));
    player.add_option("--channel", playing.channel, "Of IN, from 1");
    player.add_option("--control", playing.control, "The channel of IN that is the second input");
    player.add_option("--bits", playing.format, "16, 24, 32 or float")
        ->check(CLI::IsMember({"16", "24", "32", "float"}))
        ->capture_default_str();

    CLI::App& exporting = *app.add_subcommand("export", "Writes a model that was saved for other programs");
    exporting.add_option("MODEL", exported, "As train saved it")->required();
    exporting.add_option("OUT", target, "A name that ends in .nam, .json or .hpp")->required();

    return run_program(app, argc, argv, [&] {
        set_threads(settings.threads);
        if (training || showing) {
            if (const fs::path folder = settings.out.parent_path(); !folder.empty())
                fs::create_directories(folder);
            std::printf("esr=%.6f\n", training ? train(settings) : demo(settings));
        } else if (player)
            play_file(playing);
        else
            export_file(exported, target);
    });
}
