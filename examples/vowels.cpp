// Which of nine men says "ae"? Japanese Vowels: 640 utterances of 7 to 29 steps of 12 cepstrum coefficients; a
// bidirectional LSTM hears each in both directions and then decides.
//
// Kudo, Toyama & Shimbo (1999), "Multidimensional curve classification using passing-through regions". The files
// ae.train and ae.test of https://archive.ics.uci.edu/dataset/128/japanese+vowels become CSV files, a row a step, by
//   to_csv() { awk -v of="$1" 'BEGIN { split(of, count, " "); who = 1; printf "seq,label,t"
//       for (i = 1; i <= 12; ++i) printf ",lpc%d", i; print "" }
//     NF { if (!t) while (heard >= count[who]) { heard = 0; ++who }
//       printf "%d,%d,%d", seq, who - 1, t++; for (i = 1; i <= 12; ++i) printf ",%s", $i; print ""; next }
//     t { t = 0; ++seq; ++heard }'; }
//   to_csv "30 30 30 30 30 30 30 30 30" <ae.train >train.csv
//   to_csv "31 35 88 44 29 24 40 50 29" <ae.test >test.csv
#include "support/curves.hpp"
#include "support/interrupt.hpp"
#include "support/long_form.hpp"
#include "support/program.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/safetensors.hpp>

#include <cstdio>
#include <map>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
  vowels train.csv test.csv                        learns from the first file, decides about the second
  vowels train.csv test.csv --cross-validate 5     from the first file alone: how the defaults were chosen
A tenth of each speaker's utterances is held out of the training for the validation curves; it decides nothing.
The last line printed is test_accuracy=…, or cv_accuracy=…)";

constexpr Index speakers = 9;

struct Settings {
    std::filesystem::path train, test;
    Index hidden = 64, epochs = 100, batch_size = 27, folds = 0;
    double learning_rate = 1e-2, weight_decay = 0.3, dropout = 0.5, input_dropout = 0.2;
    int threads = 1;
    std::uint64_t seed = 1;
    std::filesystem::path folder = "out", save, load;
    bool no_plots = false;
};

/// The mean and the deviation of each coefficient over all steps of a training part.
struct Scale {
    Vector<float> mean, deviation;

    explicit Scale(const std::vector<Matrix<float>>& x) : mean(Vector<float>::Zero(x.front().rows())), deviation(mean) {
        float steps = 0;
        for (const Matrix<float>& one : x) {
            mean += one.rowwise().sum();
            steps += static_cast<float>(one.cols());
        }
        mean /= steps;
        for (const Matrix<float>& one : x)
            deviation += (one.colwise() - mean).rowwise().squaredNorm();
        deviation = (deviation / steps).cwiseSqrt().cwiseMax(1e-6F);
    }

    Dataset<float> operator()(const LabelledSequences& all) const {
        std::vector<Matrix<float>> x;
        Matrix<float> y(1, static_cast<Index>(all.label.size()));
        for (std::size_t k = 0; k < all.x.size(); ++k) {
            x.push_back((all.x[k].colwise() - mean).array().colwise() / deviation.array());
            y(static_cast<Index>(k)) = static_cast<float>(all.label[k]);
        }
        return sequences(x, y);
    }
};

/// Whether each utterance is held out: of each speaker's utterances, in the order of the file, the `fold`-th of `folds` equal parts.
struct Split {
    LabelledSequences training, held_out;

    Split(const LabelledSequences& all, Index fold, Index folds) {
        std::map<Index, Index> count, seen;
        for (const Index speaker : all.label)
            ++count[speaker];
        for (std::size_t k = 0; k < all.x.size(); ++k) {
            const Index speaker = all.label[k];
            auto& part = seen[speaker]++ * folds / count[speaker] == fold ? held_out : training;
            part.x.push_back(all.x[k]);
            part.label.push_back(speaker);
        }
    }
};

/// The data sets as fit wants them.
struct Prepared {
    Scale scale;
    Dataset<float> training;
    std::optional<Dataset<float>> held_out; ///< none if no speaker has that many utterances

    explicit Prepared(const Split& split) : scale(split.training.x), training(scale(split.training)) {
        if (!split.held_out.x.empty())
            held_out = scale(split.held_out);
    }
};

auto make_model(const Settings& s, Index features) {
    Sequential model{Dropout{s.input_dropout, {.per_sequence = true}}, Bidirectional{LSTM<float>{features, s.hidden}},
                     BothEnds{}, Dropout{s.dropout}, Dense<float>{2 * s.hidden, speakers}};
    model.initialize(s.seed);
    return model;
}

template <class Model>
History train(const Settings& s, Model& model, const Prepared& prepared) {
    const AdamW rule{.learning_rate = s.learning_rate, .weight_decay = s.weight_decay};
    const FitOptions options{.epochs = s.epochs,
                             .batch_size = s.batch_size,
                             .seed = s.seed,
                             .metrics = {Accuracy{}},
                             .clip_norm = 1,
                             .schedule = CosineAnnealing{},
                             .callbacks = {stop_on_interrupt(), progress_bar()}};
    return prepared.held_out ? fit(model, prepared.training, *prepared.held_out, SoftmaxCrossEntropy{}, rule, options)
                             : fit(model, prepared.training, SoftmaxCrossEntropy{}, rule, options);
}

void cross_validate(const Settings& s, const LabelledSequences& all) {
    require(s.epochs >= 1, "vowels", "--cross-validate needs at least one epoch");
    double right = 0, count = 0;
    for (Index fold = 0; fold < s.folds && !interrupted(); ++fold) {
        const Prepared prepared(Split(all, fold, s.folds));
        if (!prepared.held_out)
            continue; // no speaker has so many utterances
        auto model = make_model(s, all.x.front().rows());
        const History history = train(s, model, prepared);
        const auto held_out = static_cast<double>(prepared.held_out->size());
        right += held_out * history.epochs.back().validation_metrics.front();
        count += held_out;
    }
    std::printf("cv_accuracy=%.4f\n", right / count);
}

void run(const Settings& s) {
    set_threads(s.threads);
    const LabelledSequences all = read_long_form(s.train, speakers);
    if (s.folds > 0) {
        cross_validate(s, all);
        return;
    }
    const LabelledSequences test = read_long_form(s.test, speakers);
    require(test.x.front().rows() == all.x.front().rows(), "vowels", s.test.string(), " has ", test.x.front().rows(),
            " features, expected ", all.x.front().rows(), " as ", s.train.string(), " has");
    std::filesystem::create_directories(s.folder);
    const Prepared prepared(Split(all, 9, 10));
    auto model = make_model(s, all.x.front().rows());
    if (!s.load.empty())
        load_safetensors(s.load, model);
    std::printf("%s", summary(model).c_str());

    const History history = train(s, model, prepared);
    save_safetensors(s.save.empty() ? s.folder / "vowels.safetensors" : s.save, model);
    if (s.epochs > 0 && !s.no_plots && gnuplot_is_there())
        draw(curves("vowels.png", history, "Who says it?", "cross-entropy, nats"), s.folder);
    const Evaluation result = evaluate(model, prepared.scale(test), SoftmaxCrossEntropy{}, {.metrics = {Accuracy{}}});
    std::printf("test: %zu utterances, %.4f nats\ntest_accuracy=%.4f\n", test.x.size(), result.loss,
                result.metrics.front());
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Tells nine speakers apart by one vowel: sequences of different lengths, one answer each."};
    app.footer(footer);
    Settings s;
    const auto option = [&](const std::string& name, auto& value, const std::string& what, double low, double high) {
        app.add_option(name, value, what)->check(between(low, high))->capture_default_str();
    };
    app.add_option("TRAIN", s.train, "CSV file to learn from: sequence, label, step, features")->required();
    app.add_option("TEST", s.test, "CSV file to decide about")->required();
    app.add_option("--cross-validate", s.folds, "So many parts of TRAIN, each held out once")->check(between(2, 30));
    option("--hidden", s.hidden, "Units in each direction", 1, 1e4);
    option("--epochs", s.epochs, "Passes over the training data", 0, 1e6);
    option("--batch-size", s.batch_size, "Utterances a step", 1, 1e4);
    option("--learning-rate", s.learning_rate, "At the start; it falls along a cosine", 1e-12, 1e3);
    option("--weight-decay", s.weight_decay, "AdamW's", 0, 1e3);
    option("--dropout", s.dropout, "Before the decision", 0, 0.99);
    option("--input-dropout", s.input_dropout, "Of coefficients, for a whole utterance", 0, 0.99);
    option("--seed", s.seed, "Of everything random: one seed, one result", 0, 4294967295.0);
    option("--threads", s.threads, "Of the recurrent layers", 1, 1024);
    app.add_option("--save", s.save, "Where to save the model; by default vowels.safetensors in --out");
    app.add_option("--load", s.load, "A model to go on from, saved by this program; with --epochs 0 only the test");
    app.add_option("--out", s.folder, "Folder of the picture and the model")->capture_default_str();
    app.add_flag("--no-plots", s.no_plots, "No picture");
    return run_program(app, argc, argv, [&] { run(s); });
}
