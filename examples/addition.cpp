// Can a net learn to add, from nothing but written sums? Many to many, delayed: one net reads "16+75", another writes
// "91", a character at a time, beginning in the state in which the first has ended.
#include "support/curves.hpp"
#include "support/interrupt.hpp"
#include "support/pairs.hpp"
#include "support/program.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/training_file.hpp>

#include <cstdio>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
50,000 sums, and 50,000 dates to be written as 1994-09-27, are
  https://raw.githubusercontent.com/oreilly-japan/deep-learning-from-scratch-2/master/dataset/addition.txt
  https://raw.githubusercontent.com/oreilly-japan/deep-learning-from-scratch-2/master/dataset/date.txt
Any file of lines "question_answer", padded with spaces to the same lengths, will do. Of its different lines a part,
drawn by the seed, is held out. The encoder reads a question backwards (Sutskever et al. 2014), so that what it has read
last is what the answer begins with. The last line printed is accuracy=…, the part of the held-out questions that are
answered right in every character, without a teacher.)";

struct Settings {
    std::string file, load;
    std::filesystem::path save, folder = "out";
    Index hidden = 128, embedding = 16;
    Index epochs = 15, batch_size = 64;
    double learning_rate = 5e-3, held_out = 0.1;
    bool as_written = false;
    int threads = 2;
    std::uint64_t seed = 1;

    std::filesystem::path saved() const { return save.empty() ? folder / "addition.safetensors" : save; }
};

/// The part of the answers in which every character is right. The decoder is fed the right characters here. Up to its first mistake it
/// would have fed itself the same, so this is also the part that it gets right when it runs alone.
struct WholeAnswers {
    std::string name() const { return "answers right"; }

    template <class S>
    MetricSum operator()(SequenceView<S> y, SequenceView<S> target) const {
        MetricSum result;
        for (Index b = 0; b < y.batch(); ++b) {
            bool right = true;
            for (Index t = 0; t < y.steps(); ++t) {
                const S* const logits = y.data() + (t * y.batch() + b) * y.features();
                right = right && static_cast<S>(greedy(std::span(logits, static_cast<std::size_t>(y.features())))) ==
                                     target.step(t)(0, b);
            }
            result += {right ? 1.0 : 0.0, 1};
        }
        return result;
    }
};

auto make_model(const Pairs& pairs, const Settings& settings) {
    const Index characters = pairs.alphabet.size();
    const Sequential encoder{Embedding<float>{characters, settings.embedding},
                             LSTM<float>{settings.embedding, settings.hidden}};
    const Sequential decoder{Embedding<float>{characters, settings.embedding},
                             LSTM<float>{settings.embedding, settings.hidden},
                             Dense<float>{settings.hidden, characters}};
    EncoderDecoder model{encoder, decoder, {.encoder_steps = pairs.question}};
    model.initialize(settings.seed);
    return model;
}
using Model = decltype(make_model({}, {}));

/// The model's answers to the questions of the samples, the decoder fed with its own characters: 1 × characters × samples.
Sequence<float> answers(const Model& model, const Pairs& pairs, const Dataset<float>& data) {
    const SequenceView<float> questions(data.x.values().data(), 1, pairs.question, data.size());
    const Index separator = static_cast<Index>(data.x.step(pairs.question)(0, 0));
    return generate(model.decoder(), model.read(questions), separator, pairs.answer, greedy);
}

/// An answer as text, without its padding.
std::string text(const Sequence<float>& answers, Index sample, const Alphabet& alphabet) {
    std::u32string characters;
    for (Index t = 0; t < answers.steps(); ++t)
        characters += alphabet[static_cast<Index>(answers.step(t)(0, sample))];
    return encode_utf8(characters.substr(0, characters.find_last_not_of(U' ') + 1));
}

/// After every epoch, a line of what the model answers to some questions; those it gets wrong have a mark.
Callback show(const Model& model, const Pairs& pairs, std::span<const Index> chosen, bool reversed) {
    const Dataset<float> data = samples(pairs, chosen, reversed);
    std::printf("\nepoch");
    for (const Index k : chosen) {
        std::u32string question =
            pairs.lines[static_cast<std::size_t>(k)].substr(0, static_cast<std::size_t>(pairs.question));
        std::printf("  %s", encode_utf8(question).c_str());
    }
    std::printf("\n");
    return every_epoch([&model, &pairs, data](const EpochReport& report) {
        const auto said = answers(model, pairs, data);
        std::printf("%5td", report.epoch);
        for (Index k = 0; k < data.size(); ++k) {
            const bool right = text(said, k, pairs.alphabet) == text(data.y, k, pairs.alphabet);
            std::printf("  %*s%s", static_cast<int>(std::max(pairs.question - 1, pairs.answer)),
                        text(said, k, pairs.alphabet).c_str(), right ? " " : "x");
        }
        std::printf("\n");
        std::fflush(stdout);
    });
}

void run(const Settings& settings) {
    set_threads(settings.threads);
    const Pairs pairs = read_pairs(settings.file);
    std::vector<Index> order(pairs.lines.size());
    std::iota(order.begin(), order.end(), Index(0));
    Random(settings.seed).shuffle(order);
    const auto training = static_cast<Index>(static_cast<double>(pairs.size()) * (1 - settings.held_out));
    const Index held_out = pairs.size() - training;
    require(training >= 1 && held_out >= 1, settings.file.c_str(), "of its ", pairs.size(), " different lines ",
            training, " are to learn from and ", held_out, " held out, expected at least 1 of each");
    const Dataset<float> data = samples(pairs, order, !settings.as_written);
    const Dataset<float> test = data.slice(training, held_out);

    Model model = make_model(pairs, settings);
    Training goes_on{model, Adam{.learning_rate = settings.learning_rate}};
    const Metadata metadata{{"alphabet", encode_utf8(pairs.alphabet.characters())}, // the others: which are held out
                            {"lines", std::to_string(training) + " of " + std::to_string(pairs.size())},
                            {"seed", std::to_string(settings.seed)},
                            {"as_written", settings.as_written ? "yes" : "no"}};
    if (!settings.load.empty())
        require(load_training(settings.load, goes_on) == metadata, settings.load.c_str(),
                "was trained on other lines, with another seed or questions read the other way");
    std::filesystem::create_directories(settings.folder);
    std::printf("%s%s%td different lines, %td of them held out\n", summary(model.encoder()).c_str(),
                summary(model.decoder()).c_str(), pairs.size(), held_out);

    const auto shown = std::span(order).last(
        static_cast<std::size_t>(std::min(held_out, std::clamp<Index>(90 / (pairs.question + 2), 1, 6))));
    const auto save = save_training_every(1, settings.saved(), goes_on, metadata);
    const History& history = fit(
        goes_on, data.slice(0, training), test, SoftmaxCrossEntropy{},
        {.epochs = settings.epochs,
         .batch_size = settings.batch_size,
         .seed = settings.seed,
         .metrics = {WholeAnswers{}},
         .clip_norm = 1,
         .schedule = Warmup{.epochs = 1, .then = CosineAnnealing{}},
         .callbacks = {stop_on_interrupt(), progress_bar(), show(model, pairs, shown, !settings.as_written), save}});
    if (!history.epochs.empty()) {
        save_training(settings.saved(), goes_on, metadata); // after Ctrl-C, within an epoch
        std::printf("\nsaved as %s", settings.saved().string().c_str());
        if (gnuplot_is_there() &&
            draw(curves("addition.png", history, "Learning to add", "nats a character"), settings.folder))
            std::printf(", drawn as %s", (settings.folder / "addition.png").string().c_str());
        std::printf("\n");
    }
    const auto said = answers(model, pairs, test);
    Index right = 0;
    for (Index k = 0; k < held_out; ++k)
        right += said.values()(Eigen::all, Eigen::seqN(k, pairs.answer, held_out)) ==
                 test.y.values()(Eigen::all, Eigen::seqN(k, pairs.answer, held_out));
    std::printf("%td of %td held-out questions answered right\naccuracy=%.4f\n", right, held_out,
                static_cast<double>(right) / static_cast<double>(held_out));
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Learns to add from written sums: an encoder reads, a decoder writes."};
    app.footer(footer);
    Settings settings;
    const auto count = between(1, 1e6);
    const auto number = [&](const char* name, auto& value, const char* what, const CLI::Validator& range,
                            const char* group) {
        app.add_option(name, value, what)->check(range)->capture_default_str()->group(group);
    };
    const char* const training = "Model and training";
    app.add_option("FILE", settings.file, "Lines of a question, _ and an answer, UTF-8")->required();
    app.add_option("--load", settings.load, "A model to go on with, saved by this program with the same seed");
    app.add_option("--save", settings.save, "Where to save the model; by default addition.safetensors in --out");
    app.add_option("--out", settings.folder, "Folder of the model and the picture")->capture_default_str();
    number("--seed", settings.seed, "Of everything random: one seed, one result", between(0, 4294967295.0), "Options");
    number("--threads", settings.threads, "Threads", between(1, 64), "Options");
    number("--held-out", settings.held_out, "Part of the lines that isn't learned from", between(0, 0.99), training);
    number("--hidden", settings.hidden, "Hidden units of either net", count, training);
    number("--embedding", settings.embedding, "Numbers that stand for a character", count, training);
    number("--epochs", settings.epochs, "Passes over the training lines; 0: test what was loaded", between(0, 1e6),
           training);
    number("--batch-size", settings.batch_size, "Samples a step", count, training);
    number("--learning-rate", settings.learning_rate, "Adam's in a new training, before it falls along a cosine",
           between(1e-12, 1e6), training);
    app.add_flag("--as-written", settings.as_written, "The encoder reads questions from left to right")
        ->group(training);
    return run_program(app, argc, argv, [&] { run(settings); });
}
