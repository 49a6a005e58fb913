// The program `carousel`: model files described, converted, run, compared and embedded. docs/command.md is its manual.
#include "commands.hpp"
#include "formats/format.hpp"
#include "message.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

namespace tool {

namespace {

constexpr int success = 0, failure = 1, wrong_usage = 2;

void say(const char* kind, const std::string& message) {
    std::fprintf(stderr, "%s: %s\n", kind, message.c_str());
}

std::string version() {
    std::string text = "carousel " CAROUSEL_TOOL_VERSION;
    if (const std::string missing = missing_formats(); !missing.empty())
        text += "\nThis carousel was built without " + missing + ".";
#ifndef CAROUSEL_TOOL_HAS_SNDFILE
    text += "\nThis carousel was built without libsndfile, which .wav files need.";
#endif
    return text;
}

int program(int argc, char** argv) {
    CLI::App app(
        "Model files of recurrent networks: PyTorch, Keras, ONNX, RTNeural, AIDA-X, GuitarML, NAM and Carousel's own.",
        "carousel");
    app.get_formatter()->column_width(34);
    app.set_version_flag("--version", version());
    app.require_subcommand(1);
    app.footer("examples:\n"
               "  carousel info amp.nam\n"
               "  carousel convert model.keras model.onnx\n"
               "  carousel run amp.nam guitar.wav amp.wav\n"
               "  carousel check model.onnx x.npy y.npy --tolerance 1e-5\n"
               "  carousel embed amp.nam -o amp.hpp\n\n" +
               version() + "\nExit codes: 0 success; 1 an input is wrong, or check found a difference; 2 wrong usage.");
    const Command commands[] = {
        info_command(app), convert_command(app), run_command(app), check_command(app), embed_command(app),
    };
    if (const std::string first = argc > 1 ? argv[1] : ""; !first.empty() && first[0] != '-') {
        std::string names; // CLI11 would say that a subcommand is required
        bool known = false;
        for (const Command& command : commands) {
            known |= command.app->get_name() == first;
            names += (names.empty() ? "" : ", ") + command.app->get_name();
        }
        check_usage(known, "\"", first, "\" isn't a subcommand; there are ", names);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        throw Usage(error.what());
    }
    for (const Command& command : commands)
        if (command.app->parsed())
            return command.run();
    return success;
}

/// The exit code of f(), which may throw.
template <class F>
int guarded(F&& f) {
    try {
        return f();
    } catch (const Usage& error) {
        say("error", std::string(error.what()) + " (carousel --help, carousel SUBCOMMAND --help)");
        return wrong_usage;
    } catch (const std::bad_alloc&) {
        say("error", "there isn't enough memory");
    } catch (const std::exception& error) {
        say("error", error.what());
    } catch (...) {
        say("error", "something that is no exception of this program was thrown");
    }
    return failure;
}

} // namespace

void warn(const std::string& message) {
    say("warning", message);
}

} // namespace tool

int main(int argc, char** argv) {
#ifdef SIGPIPE
    std::signal(SIGPIPE, SIG_IGN); // a reader that is gone is an error of the output
#endif
    const int code = tool::guarded([&] { return tool::program(argc, argv); });
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)
        return code;
    tool::say("error", "the standard output can't be written");
    return code == tool::success ? tool::failure : code;
}
