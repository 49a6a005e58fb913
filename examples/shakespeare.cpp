// Can a net learn to write like Shakespeare, a character at a time? It learns many to many, in step: at every step of long streams of
// text the target is the next character. It writes one to many: each character it picks is its next input.
#include "support/curves.hpp"
#include "support/interrupt.hpp"
#include "support/program.hpp"
#include "support/text.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/safetensors.hpp>
#include <carousel/io/training_file.hpp>

#include <cstdio>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
A text to learn from, 1.1 million characters of Shakespeare, is
  https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt
Its last tenth is for validation.
  shakespeare input.txt                                          learns, saves what it learned, and writes a page
  shakespeare --load out/shakespeare.safetensors --prime KING    writes
  shakespeare input.txt --load out/shakespeare.safetensors       goes on learning
The last line printed, where there is a text to learn from, is validation_nats=…, the cross-entropy of a character)";

struct Settings {
    std::string file, load;
    std::filesystem::path save, folder = "out";
    Index hidden = 256, embedding = 64;
    double dropout = 0.2;
    Index epochs = 8, streams = 50, steps = 50;
    double learning_rate = 5e-3;
    int threads = 2;
    std::uint64_t seed = 1;
    std::optional<std::string> prime;
    double temperature = 0.8;
    Index length = 2000;

    bool learns() const { return !file.empty(); }
    std::filesystem::path saved() const { return save.empty() ? folder / "shakespeare.safetensors" : save; }
};

/// From the number of a character to the logits of the next.
using Net = Sequential<Embedding<float>, Dropout, LSTM<float>, Dropout, Dense<float>>;

Net make_net(Index characters, Index embedding, Index hidden, const Settings& settings) {
    Net net{Embedding<float>{characters, embedding}, Dropout{settings.dropout}, LSTM<float>{embedding, hidden},
            Dropout{settings.dropout}, Dense<float>{hidden, characters}};
    net.initialize(settings.seed);
    return net;
}

/// A net and the characters it knows, which are saved in its file's metadata.
struct Writer {
    Alphabet alphabet;
    Net net;

    /// A new net, with the alphabet of a text.
    Writer(const std::u32string& text, const Settings& settings)
        : alphabet(text), net(make_net(alphabet.size(), settings.embedding, settings.hidden, settings)) {}

    /// The net of a file. Throws std::runtime_error unless this program saved it.
    Writer(const Safetensors& file, const Settings& settings)
        : alphabet(characters(file, settings.load)),
          net(make_net(alphabet.size(), rows(file, "0.Embedding.table"), rows(file, "2.LSTM.b") / 4, settings)) {
        load_safetensors(settings.load, net);
    }

    Metadata metadata() const { return {{"alphabet", encode_utf8(alphabet.characters())}}; }

  private:
    static std::u32string characters(const Safetensors& file, const std::string& name) {
        const auto found = file.metadata.find("alphabet");
        if (found == file.metadata.end() || found->second.empty() || rows(file, "0.Embedding.table") < 1 ||
            rows(file, "2.LSTM.b") < 4)
            throw std::runtime_error(name + ": this program didn't save it");
        return decode_utf8(found->second, name);
    }
    static Index rows(const Safetensors& file, const char* name) {
        const NamedTensor* const tensor = file.find(name);
        return tensor && !tensor->shape.empty() ? tensor->shape[0] : 0;
    }
};

Writer make_writer(const std::u32string& text, const Settings& settings) {
    return settings.load.empty() ? Writer(text, settings) : Writer(read_safetensors(settings.load), settings);
}

/// Nats per character: the mean cross-entropy of the text's second to last character, read once from beginning to end.
double nats(const Net& net, std::span<const Index> text) {
    const std::size_t steps = 1000; // read at a time, so that memory doesn't grow with the text
    Net::Tape tape;
    Net::State state;
    double sum = 0;
    for (std::size_t first = 0; first + 1 < text.size(); first += steps) {
        const auto piece = text.subspan(first, std::min(steps + 1, text.size() - first));
        const auto count = static_cast<Index>(piece.size()) - 1;
        const auto data = token_streams(piece, 1, count);
        sum += static_cast<double>(count) * SoftmaxCrossEntropy{}(net.infer(data.x, tape, state), data.y);
        net.final_state(tape, state);
    }
    return sum / static_cast<double>(text.size() - 1);
}

/// Trains, saves after every epoch, draws. Returns the nats a character of the text's last tenth.
double learn(Writer& writer, const std::u32string& text, const Settings& settings) {
    const std::vector<Index> numbers = writer.alphabet.numbers(text, settings.file);
    const auto training = std::span(numbers).first(numbers.size() - numbers.size() / 10);
    const auto validation = std::span(numbers).subspan(training.size());
    require(static_cast<Index>(validation.size()) > settings.streams * settings.steps, settings.file.c_str(),
            "its last tenth has ", validation.size(), " characters, expected ", settings.streams * settings.steps + 1,
            " for a piece of every stream");

    Training goes_on{writer.net, Adam{.learning_rate = settings.learning_rate, .beta2 = 0.99}};
    if (!settings.load.empty())
        load_training(settings.load, goes_on);
    const auto save = save_training_every(1, settings.saved(), goes_on, writer.metadata());
    const History& history = fit(goes_on, token_streams(training, settings.streams, settings.steps),
                                 token_streams(validation, settings.streams, settings.steps), SoftmaxCrossEntropy{},
                                 {.epochs = settings.epochs,
                                  .batch_size = settings.streams,
                                  .shuffle = false,
                                  .metrics = {Accuracy{}},
                                  .clip_norm = 1,
                                  .stateful = true,
                                  .schedule = CosineAnnealing{},
                                  .callbacks = {stop_on_interrupt(), progress_bar(), save}});
    save_training(settings.saved(), goes_on, writer.metadata()); // after Ctrl-C, within an epoch
    std::printf("%s saved\n", settings.saved().string().c_str());
    if (gnuplot_is_there() &&
        draw(curves("shakespeare.png", history, "The next character", "nats a character"), settings.folder))
        std::printf("%s drawn\n", (settings.folder / "shakespeare.png").string().c_str());
    return nats(writer.net, validation);
}

std::string write(const Writer& writer, const Settings& settings) {
    const Alphabet& alphabet = writer.alphabet;
    std::u32string text = settings.prime ? decode_utf8(*settings.prime, "--prime") : alphabet.characters().substr(0, 1);
    Stream stream{writer.net};
    Random random(settings.seed);
    const std::vector<Index> heard = alphabet.numbers(text, "--prime");
    for (std::size_t k = 0; k + 1 < heard.size(); ++k)
        stream(static_cast<float>(heard[k]));
    const auto pick = [&](std::span<const float> logits) { return sample(logits, settings.temperature, random); };
    for (const Index number : generate(stream, heard.back(), settings.length, pick))
        text += alphabet[number];
    return encode_utf8(text);
}

void run(const Settings& settings) {
    require(settings.learns() || !settings.load.empty(), "shakespeare",
            "expected a text to learn from, or --load and a model that has learned from one");
    set_threads(settings.threads);
    const std::u32string text = settings.learns() ? read_text(settings.file) : std::u32string();
    Writer writer = make_writer(text, settings);
    double validation_nats = 0;
    if (settings.learns()) {
        std::filesystem::create_directories(settings.folder);
        std::printf("%s\n", summary(writer.net).c_str());
        validation_nats = learn(writer, text, settings);
    }
    std::printf("\n%s\n", write(writer, settings).c_str());
    if (settings.learns())
        std::printf("validation_nats=%.4f\n", validation_nats);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Learns to write from a text, a character at a time, and writes."};
    app.footer(footer);
    Settings settings;
    const auto count = between(1, 1e6);
    const auto number = [&](const char* name, auto& value, const char* what, const CLI::Validator& range,
                            const char* group) {
        app.add_option(name, value, what)->check(range)->capture_default_str()->group(group);
    };
    const char* const training = "Model and training";
    const char* const writing = "Writing";
    app.add_option("FILE", settings.file, "The text to learn from, UTF-8; without it, --load and write");
    app.add_option("--load", settings.load, "A model to start from, saved by this program");
    app.add_option("--save", settings.save, "Where to save the model; by default shakespeare.safetensors in --out");
    app.add_option("--out", settings.folder, "Folder of the model and the picture")->capture_default_str();
    number("--seed", settings.seed, "Of everything random: one seed, one result", between(0, 4294967295.0), "Options");
    number("--threads", settings.threads, "Threads", between(1, 64), "Options");
    number("--hidden", settings.hidden, "Hidden units of a new model", count, training);
    number("--embedding", settings.embedding, "Numbers that stand for a character in it", count, training);
    number("--dropout", settings.dropout, "Of the LSTM's input and output", between(0, 0.99), training);
    number("--epochs", settings.epochs, "Passes over the text", count, training);
    number("--streams", settings.streams, "Streams read side by side: the batch", count, training);
    number("--steps", settings.steps, "Characters between two steps of the optimizer: truncated BPTT", count, training);
    number("--learning-rate", settings.learning_rate, "Adam's in a new training, before it falls along a cosine",
           between(1e-12, 1e6), training);
    app.add_option("--prime", settings.prime,
                   "What the net hears before it writes; by default the first character of its alphabet")
        ->check([](const std::string& text) { return text.empty() ? "is empty" : ""; })
        ->group(writing);
    number("--temperature", settings.temperature, "0: always the likeliest character, 1: as likely as it thinks",
           between(0, 100), writing);
    number("--length", settings.length, "Characters it writes", between(0, 1e9), writing);
    return run_program(app, argc, argv, [&] { run(settings); });
}
