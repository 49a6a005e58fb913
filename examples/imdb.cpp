// Is a film review good or bad? A net reads it word by word and answers at its end (many to one): the experiment of
// Chollet, "Deep Learning with Python", 2018, section 6.2, with a simple RNN, an LSTM, or four simple RNNs in a stack.
#include "support/curves.hpp"
#include "support/interrupt.hpp"
#include "support/labelled_texts.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"
#include "support/words.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/safetensors.hpp>

#include <cstdio>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
The reviews are those of Maas et al., "Learning word vectors for sentiment analysis", 2011, from
https://ai.stanford.edu/~amaas/data/sentiment, as files with a line a review: 1 (good) or 0 (bad), a tab, the text. Fields between
the two are skipped, and a file .xz is unpacked:
  imdb train.tsv.xz test.tsv.xz --model lstm
Words have the numbers that keras.datasets.imdb gives them. RMSprop 1e-3; a fifth of the shuffled training reviews says which
epoch is the best. With --article that is all, with batches of 128 reviews, padded in front to 500 words. Without it nothing is
padding, gradients are clipped, the rate falls along a cosine, and in the LSTM's training, with batches of 32, numbers of
the words' vectors and of its answer drop out.
The last line printed is val_accuracy=…, of the best epoch)";

constexpr Index hidden = 32; // of a word's vector and of the hidden state

struct Task {
    std::filesystem::path training, test, load, save, folder = "out";
    std::string model = "lstm";
    bool article = false;
    Index words = 10'000, steps = 500, epochs = 10;
    std::optional<Index> batch_size;
    double dropout = 0.7;
    int threads = 1;
    std::uint64_t seed = 1;

    std::filesystem::path saved() const { return save.empty() ? folder / ("imdb_" + model + ".safetensors") : save; }
};

/// The reviews of a file, which can be shuffled and sorted.
class Reviews {
  public:
    explicit Reviews(const std::filesystem::path& path) {
        for (const LabelledText& review : read_labelled_texts(path)) {
            words_.push_back(words(review.text));
            positive_.push_back(review.positive);
        }
        order_.resize(words_.size());
        std::iota(order_.begin(), order_.end(), Index(0));
    }

    Index count() const { return static_cast<Index>(order_.size()); }
    Vocabulary vocabulary(Index size) const { return {words_, size}; }

    void shuffle(Random& random) { random.shuffle(order_); }
    /// Sorts the reviews from `first` on by length: batches of reviews of like length hold little padding.
    void sort_by_length(Index first) {
        std::stable_sort(order_.begin() + first, order_.end(),
                         [&](Index a, Index b) { return words_of(a).size() < words_of(b).size(); });
    }

    /// Of each review Vocabulary::start and the numbers of its words, of which the last `steps` are kept. As in the article, with --article
    /// all have `steps` numbers, padded in front; else none is padded.
    Dataset<float> data(const Vocabulary& vocabulary, const Task& task) const {
        std::vector<Matrix<float>> x;
        Matrix<float> y(1, count());
        for (const Index k : order_) {
            std::vector<float> numbers{static_cast<float>(Vocabulary::start)};
            for (const std::string& word : words_of(k))
                numbers.push_back(static_cast<float>(vocabulary[word]));
            const Index kept = std::min(task.steps, static_cast<Index>(numbers.size()));
            const Index steps = task.article ? task.steps : kept;
            y(static_cast<Index>(x.size())) = positive_[static_cast<std::size_t>(k)] ? 1.0F : 0.0F;
            x.push_back(Matrix<float>::Constant(1, steps, static_cast<float>(Vocabulary::padding)));
            std::copy(numbers.end() - kept, numbers.end(), x.back().data() + (steps - kept));
        }
        return sequences(x, y);
    }

  private:
    const std::vector<std::string>& words_of(Index k) const { return words_[static_cast<std::size_t>(k)]; }

    std::vector<std::vector<std::string>> words_;
    std::vector<bool> positive_;
    std::vector<Index> order_;
};

/// The vocabulary of a saved model: its file has it as metadata, one word a line.
Vocabulary saved_vocabulary(const std::filesystem::path& path) {
    const Safetensors file = read_safetensors(path);
    const auto found = file.metadata.find("words");
    if (found == file.metadata.end())
        throw std::runtime_error(path.string() + ": this program didn't save it");
    std::istringstream text(found->second);
    std::vector<std::string> list;
    for (std::string word; std::getline(text, word);)
        list.push_back(word);
    return Vocabulary(std::move(list));
}

Metadata metadata(const Vocabulary& vocabulary) {
    std::string text;
    for (const std::string& word : vocabulary.list())
        text += word + '\n';
    return {{"words", text}};
}

FitOptions fit_options(const Task& task) {
    FitOptions options{.epochs = task.epochs,
                       .batch_size = task.batch_size.value_or(task.model == "lstm" && !task.article ? 32 : 128),
                       .seed = task.seed,
                       .metrics = {BinaryAccuracy{}},
                       .callbacks = {stop_on_interrupt(), progress_bar()}};
    if (!task.article) {
        options.bucket = 20;
        options.clip_norm = 1;
        options.schedule = CosineAnnealing{};
    }
    return options;
}

struct Data {
    Vocabulary vocabulary;
    Dataset<float> training, validation;
    std::optional<Dataset<float>> test;
};

Data read(const Task& task) {
    Reviews reviews(task.training);
    const Index kept = reviews.count() * 4 / 5, held_out = reviews.count() - kept;
    require(kept >= 1, task.training.string().c_str(), "there is 1 review, expected at least 2");
    const Vocabulary vocabulary = task.load.empty() ? reviews.vocabulary(task.words) : saved_vocabulary(task.load);
    Random random(task.seed);
    reviews.shuffle(random);
    reviews.sort_by_length(kept);
    std::printf("%td reviews to train with, %td for validation\n", kept, held_out);
    const Dataset<float> all = reviews.data(vocabulary, task);
    Data data{vocabulary, all.slice(0, kept), all.slice(kept, held_out), std::nullopt};
    if (!task.test.empty()) {
        Reviews test(task.test);
        test.sort_by_length(0);
        data.test = test.data(vocabulary, task);
    }
    return data;
}

void report(const History& history, const Task& task) {
    std::printf("epoch    loss  accuracy  val_loss  val_accuracy  seconds\n");
    for (const EpochReport& epoch : history.epochs)
        std::printf("%5td  %.4f    %.4f    %.4f        %.4f  %7.1f\n", epoch.epoch, epoch.loss, epoch.metrics.front(),
                    epoch.validation_loss, epoch.validation_metrics.front(), epoch.seconds);
    std::printf("the best epoch's model is in %s\n", task.saved().string().c_str());
    const Picture picture = curves("imdb_" + task.model + ".png", history, "IMDb, " + task.model, "cross-entropy");
    if (!gnuplot_is_there())
        std::printf("no picture: gnuplot is not on the PATH\n");
    else if (draw(picture, task.folder))
        std::printf("%s drawn\n", (task.folder / picture.file).string().c_str());
}

/// The layers that the article lists: an Embedding and these.
Model<float> article_model(const Task& task) {
    Model<float> model{Embedding<float>(task.words, hidden)};
    if (task.model == "lstm" && task.article)
        return model.add(LSTM<float>{hidden, hidden});
    if (task.model == "lstm")
        return model.add(Dropout{task.dropout})
            .add(LSTM<float>{hidden, hidden})
            .add(Dropout{0.5, {.per_sequence = true}});
    for (int k = 0; k < (task.model == "stacked" ? 4 : 1); ++k)
        model.add(SimpleRNN<float>{hidden, hidden});
    return model;
}

void run(const Data& data, const Task& task, const Processes& processes) {
    Model<float> model = article_model(task);
    std::printf("%s", summary(model).c_str());
    model.add(LastStep{}).add(Dense<float>{hidden, 1});
    std::printf("and the answer, from the last step: %td\n", parameter_count(model));
    model.initialize(task.seed);
    if (!task.load.empty())
        load_safetensors(task.load, model);

    auto best = model;
    double best_accuracy = -1;
    FitOptions options = fit_options(task);
    const auto keep_if_better = [&](double accuracy) {
        if (accuracy <= best_accuracy)
            return;
        best_accuracy = accuracy;
        best = model;
        save_safetensors(task.saved(), best, metadata(data.vocabulary));
    };
    options.callbacks.push_back(
        every_epoch([&](const EpochReport& report) { keep_if_better(report.validation_metrics.front()); }));
    std::filesystem::create_directories(task.folder);
    const BinaryCrossEntropy loss;
    const History history =
        processes.fit(model, data.training, data.validation, loss, RMSprop{.formula = Formula::keras}, options);
    if (!processes.is_first())
        return;
    if (history.epochs.empty() || history.best_epoch == 0) // Ctrl-C in the first epoch
        keep_if_better(evaluate(model, data.validation, loss, {.metrics = {BinaryAccuracy{}}}).metrics.front());
    report(history, task);
    processes.report();
    if (data.test)
        std::printf("test_accuracy=%.4f\n",
                    evaluate(best, *data.test, loss, {.metrics = {BinaryAccuracy{}}}).metrics.front());
    std::printf("val_accuracy=%.4f\n", best_accuracy);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Trains a recurrent net to tell good film reviews from bad ones."};
    app.footer(footer);
    Task task;
    Processes processes;
    const auto count = between(1, 1e6);
    app.add_option("TRAIN", task.training, "Reviews to train with")->required();
    app.add_option("TEST", task.test, "Reviews to test the best epoch with");
    app.add_option("--model", task.model, "Recurrent layers: a simple RNN, an LSTM, four simple RNNs")
        ->check(CLI::IsMember({"rnn", "lstm", "stacked"}))
        ->capture_default_str();
    app.add_flag("--article", task.article, "Trained as in the article, without clipping, annealing and dropout");
    app.add_option("--epochs", task.epochs, "Passes over the training data")->check(count)->capture_default_str();
    app.add_option("--batch-size", task.batch_size, "Reviews a step")->check(count)->default_str("128, of the LSTM 32");
    app.add_option("--dropout", task.dropout, "Of the words' vectors in the LSTM's training")
        ->check(between(0, 0.99))
        ->capture_default_str();
    app.add_option("--words", task.words, "Numbers of words; all others are one")
        ->check(between(5, 1 << 24))
        ->capture_default_str();
    app.add_option("--steps", task.steps, "Words of a review that count, the last")
        ->check(count)
        ->capture_default_str();
    app.add_option("--threads", task.threads, "Threads")->check(between(1, 256))->capture_default_str();
    app.add_option("--seed", task.seed, "Of everything random: one seed, one result")
        ->check(between(0, 4294967295.0))
        ->capture_default_str();
    app.add_option("--load", task.load, "A model to start from, saved by this program");
    app.add_option("--save", task.save,
                   "Where to save the best epoch's model; by default imdb_<model>.safetensors in --out");
    app.add_option("--out", task.folder, "Folder of the model and the picture")->capture_default_str();
    return processes.run(app, argc, argv, [&] {
        set_threads(task.threads);
        run(read(task), task, processes);
    });
}
