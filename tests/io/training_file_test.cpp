#if __has_include(<nlohmann/json.hpp>)

#    include "carousel/io/training_file.hpp"

#    include "carousel/io/safetensors.hpp"
#    include "carousel/io/save_best.hpp"
#    include "carousel/loss/mean_squared_error.hpp"
#    include "carousel/optim/adam.hpp"
#    include "carousel/optim/freeze.hpp"
#    include "carousel/optim/sgd.hpp"

#    include "catch.hpp"
#    include "io/folder.hpp"
#    include "train/going_on.hpp"

#    if defined(__unix__) || defined(__APPLE__)
#        include <sys/wait.h>
#        include <unistd.h>

#        include <chrono>
#        include <csignal>
#        include <thread>
#    endif

using namespace carousel;
using namespace carousel::test;

namespace {

using Model = decltype(noisy_model());

/// A program's training: begun, or gone on with from the file if there is one.
struct Program {
    explicit Program(const fs::path& file, std::uint64_t seed = 3) : path(file), model(noisy_model(seed)) {
        if (fs::exists(path))
            load_training(path, training);
    }

    void fit(FitOptions options, Callback callback = {}) {
        options.epochs = all_epochs - training.epochs();
        options.planned_epochs = all_epochs;
        if (callback)
            options.callbacks.push_back(callback);
        carousel::fit(training, training_data(), validation_data(), MeanSquaredError{}, options);
    }
    void save() const { save_training(path, training, {{"program", "a test"}}); }

    fs::path path;
    Model model;
    Training<Model, Adam> training{model, Adam{.learning_rate = 0.05}};
};

struct Enough {};

/// A rule of one's own that says no name.
struct NamelessAdam {
    double learning_rate = 0.05;

    void check() const {}
    Index moments() const { return 2; }
    Adam::Step at(Index t) const { return Adam{.learning_rate = learning_rate}.at(t); }
};

} // namespace

TEST_CASE("save_training: from the file another program goes on as one that never stopped, to the same bytes") {
    for (const OptionSet& set : option_sets()) {
        INFO(set.name);
        const Folder folder;
        Program once(folder / "once");
        once.fit(set.make());
        once.save();
        for (const Index calls : {4, 7}) { // of a callback in a run: an epoch, or to the middle of another
            INFO("runs of " << calls << " calls");
            const fs::path path = folder / ("runs" + std::to_string(calls));
            std::uint64_t seed = 3;
            for (bool done = false; !done; ++seed) { // of the first run alone, all else is in the file
                Program run(path, seed);
                Index count = 0;
                try {
                    run.fit(set.make(), [&](Progress&) {
                        if (++count < calls)
                            return;
                        run.save();
                        throw Enough(); // so that nothing is done after the file is written
                    });
                    done = true;
                } catch (const Enough&) {
                }
                if (done)
                    run.save();
                REQUIRE(seed < 200);
            }
            CHECK(content(path) == content(folder / "once"));
        }
        Program loaded(folder / "once", 77);
        CHECK(outcome(loaded.training) == outcome(once.training));
        CHECK(loaded.training.history().metrics == once.training.history().metrics);
    }
}

TEST_CASE("save_training: the model alone is loaded by load_safetensors, the caller's metadata by load_training") {
    const Folder folder;
    Program program(folder / "a");
    program.fit({.early_stopping = EarlyStopping{}}, save_training_every(2, folder / "every", program.training));
    program.save();
    auto model = noisy_model(9), other = noisy_model(9);
    load_safetensors(folder / "a", model);
    CHECK(values(model) == values(program.model));
    Training training{other, Adam{}};
    CHECK(load_training(folder / "a", training) == Metadata{{"program", "a test"}});
    CHECK(load_training(folder / "every", training).empty());
    CHECK(training.epochs() == 6);
    REQUIRE_THROWS_WITH(save_training_every(0, folder / "b", training),
                        "save_training_every: every is 0, expected every >= 1");
    const std::string place = (folder / "none" / "b").string() + ": can't be written: there is no folder " +
                              (folder / "none").string() + ", make it first";
    REQUIRE_THROWS_WITH(save_training_every(1, folder / "none" / "b", training), "save_training_every: " + place);
    REQUIRE_THROWS_WITH(save_best(folder / "none" / "b", training), "save_best: " + place);
    REQUIRE_THROWS_WITH(
        save_training(folder / "b", training, {{"training.epochs", "1"}}),
        "save_training: the metadata has \"training.epochs\", expected other keys than \"carousel.settings\" "
        "and those that begin with \"training.\"");
    CHECK_THROWS_AS(save_training(folder / "b", training, {{"carousel.settings", "{}"}}), std::invalid_argument);
    CHECK(folder.files() == 2);
}

TEST_CASE("save_training: a training that hasn't begun is saved with its masks") {
    const Folder folder;
    Program(folder / "a").save();
    Program first(folder / "none"), second(folder / "a", 55);
    first.fit({});
    second.fit({});
    CHECK(outcome(first.training) == outcome(second.training));
}

TEST_CASE("save_training: what is frozen has no moments in the file, and those that it had go on") {
    const Folder folder;
    const auto run = [&](const fs::path& path, bool saved) {
        auto model = noisy_model();
        freeze(model, "0.*");
        Training training{model, Adam{}};
        fit(training, training_data(), MeanSquaredError{}, {.epochs = 2, .batch_size = 4});
        save_training(path, training);
        if (!saved) { // unfrozen while it goes on
            unfreeze(model);
            fit(training, training_data(), MeanSquaredError{}, {.epochs = 2, .batch_size = 4});
            return outcome(training);
        }
        auto other = noisy_model(99);
        Training again{other, Adam{}};
        REQUIRE_THROWS_AS(load_training(path, again), std::runtime_error); // its moments are missing
        freeze(other, "0.*");
        load_training(path, again);
        unfreeze(other);
        fit(again, training_data(), MeanSquaredError{}, {.epochs = 2, .batch_size = 4});
        return outcome(again);
    };
    CHECK(run(folder / "a", false) == run(folder / "b", true));
    for (const auto& tensor : read_safetensors(folder / "a").tensors)
        CHECK(!tensor.name.starts_with("optimizer.0."));
    auto model = noisy_model();
    freeze(model, "0.*");
    Optimizer optimizer{parameters(model), Adam{}};
    load_safetensors(folder / "a", parameters(model));
    save_safetensors(folder / "c", model, optimizer);
    load_safetensors(folder / "c", model, optimizer);
    CHECK(optimizer.state().moments[0].size() == 0);
}

TEST_CASE("save_best: the file has the model of the best epoch, with a moving average its averages") {
    for (const bool averaged : {false, true}) {
        const Folder folder;
        auto model = noisy_model();
        Training training{model, Adam{.learning_rate = 0.05}};
        FitOptions options{.epochs = 6, .batch_size = 4, .metrics = {MeanAbsoluteError{}}};
        options.early_stopping = EarlyStopping{.patience = 6, .metric = "mae"};
        if (averaged)
            options.moving_average = MovingAverage{.decay = 0.5};
        options.callbacks = {save_best(folder / "best", training, {{"epoch", "the best"}})};
        carousel::fit(training, training_data(), validation_data(), MeanSquaredError{}, options);
        auto best = noisy_model(7);
        CHECK(load_safetensors(folder / "best", best).at("epoch") == "the best");
        CHECK(values(best) == training.state().best);
        CHECK(training.history().best_epoch < 6);
    }
}

TEST_CASE("load_training: what doesn't fit is refused, and model and training stay as they are") {
    const Folder folder;
    const fs::path path = folder / "a";
    Program program(path);
    program.fit({.batch_size = 4, .metrics = {MeanAbsoluteError{}}, .early_stopping = EarlyStopping{}},
                [](Progress& p) { p.stop = p.epoch == 3 && p.batch == 2; });
    program.save();
    const Safetensors good = read_safetensors(path);
    const auto before = outcome(program.training);
    const auto refused = [&](auto&& change, const std::string& message) {
        Safetensors bad = good;
        change(bad);
        write_safetensors(path, bad.tensors, bad.metadata);
        CHECK(error<std::runtime_error>([&] { load_training(path, program.training); }) ==
              "load_training: " + path.string() + ": " + message);
        CHECK(outcome(program.training) == before);
    };
    const auto text = [](const char* key, const char* value) {
        return [=](Safetensors& file) { file.metadata[key] = value; };
    };
    const auto without = [](const std::string& name) {
        return [=](Safetensors& file) {
            std::erase_if(file.tensors, [&](const NamedTensor& tensor) { return tensor.name == name; });
        };
    };
    const auto numbers = [](const std::string& name, const Matrix<double>& values) {
        return [=](Safetensors& file) {
            for (NamedTensor& tensor : file.tensors)
                if (tensor.name == name)
                    tensor = NamedTensor(name, values);
        };
    };
    refused([](Safetensors& file) { file.metadata.clear(); },
            "it has no \"training.version\": save_training didn't write it");
    refused(text("training.version", "2"), "\"training.version\" is 2, expected 1, the only one this program knows");
    refused([](Safetensors& file) { file.metadata.erase("training.epochs"); }, "\"training.epochs\" is missing");
    refused(text("training.epochs", "-1"), "\"training.epochs\" is \"-1\", expected one whole number >= 0");
    refused(text("training.epochs", ""), "\"training.epochs\" is \"\", expected one whole number >= 0");
    refused(text("training.epochs", "2x"), "\"training.epochs\" is \"2x\", expected whole numbers");
    refused(text("training.epochs", "99999999999999999999"),
            "\"training.epochs\" is \"99999999999999999999\", expected whole numbers");
    refused(text("training.epochs", "9"), "\"optimizer.training.monitored\" is 2, expected 9");
    refused(text("training.order", "1 2 3"), "\"training.order\" has 3 words, expected four for every generator");
    refused(text("training.order", "0 0 0 0"), "\"training.order\" has a generator of zeros, which none comes to");
    refused(text("training.order", "1 2 3 4 1 2 3 4"), "\"training.order\" has 2 generators, expected at most one");
    refused(text("training.order", ""),
            "Training::set_state: the generator of the order is missing, expected one after 2 epochs");
    refused(text("training.masks", "1 2 3 4"),
            "Training::set_state: there are generators for the masks of 1 layers, expected 3");
    refused(text("training.masks", "1 2 3 4 "), "\"training.masks\" is \"1 2 3 4 \", expected whole numbers");
    refused(text("training.best_epoch", "3"), "Training::set_state: best_epoch is 3, expected 0 <= best_epoch <= 2");
    refused(text("training.metrics", "2"), "\"optimizer.training.metrics\" is 3 × 2, expected 3 × 4");
    refused(text("training.begun", "2 12"), "\"training.begun\" has 2 numbers, expected 6");
    refused(text("training.begun", "7 12 4 0 1 0"),
            "Training::set_state: the epoch that has begun has trained 7 batches of 4 of the 12 samples, expected at "
            "most all");
    refused(text("training.begun", "2 12 4 0 1 1"), "\"optimizer.training.carried.0\" is missing or no matrix");
    refused([](Safetensors& file) { file.metadata.erase("training.begun"); },
            "\"optimizer.training.reports\" is 3 × 6, expected 2 × 6");
    refused([](Safetensors& file) { file.metadata.erase("carousel.settings"); }, "\"carousel.settings\" is missing");
    refused(
        [](Safetensors& file) {
            std::string& settings = file.metadata["carousel.settings"];
            settings.replace(settings.find("0.1"), 3, "0.3");
        },
        "the setting \"0.Bidirectional.forward.zoneout\" is 0.3, the model's is 0.1; build the model as it was saved");
    refused(
        text("carousel.settings", "{}"),
        "the setting \"0.Bidirectional.forward.activation\" is not there, the model's is \"tanh\"; build the model as "
        "it was saved");
    refused(without("2.Dense.W"), "\"2.Dense.W\" is missing");
    refused(without("optimizer.2.Dense.b.1"), "\"optimizer.2.Dense.b.1\" is missing");
    refused(without("optimizer.training.best.2.Dense.b"), "\"optimizer.training.best.2.Dense.b\" is missing");
    refused(numbers("2.Dense.W", Matrix<double>(2, 2)), "\"2.Dense.W\" is 2 × 2, expected 1 × 6");
    refused(numbers("optimizer.steps", Matrix<double>(1, 2)), "\"optimizer.steps\" is 1 × 2, expected a single number");
    refused([](Safetensors& file) { file.tensors.emplace_back("more", Vector<double>(2)); },
            "\"more\" is not in this training");
    refused(
        [](Safetensors& file) {
            for (NamedTensor& tensor : file.tensors)
                if (tensor.name == "2.Dense.b")
                    tensor.numbers = std::vector<float>(1);
        },
        "\"2.Dense.b\" is of type F32, expected F64");

    refused(text("training.rule", "RMSprop"),
            "it was saved with the rule RMSprop, this training's is Adam; make the Training with the rule it was saved "
            "with");
    CHECK(error<std::runtime_error>([&] { load_training(folder / "none", program.training); }) ==
          "load_training: " + (folder / "none").string() +
              ": can't be opened: " + std::make_error_code(std::errc::no_such_file_or_directory).message());
}

TEST_CASE("load_training: a training of another rule is refused, by its name or else by what it remembers") {
    const Folder folder;
    const fs::path path = folder / "a";
    Program program(path);
    program.fit({});
    program.save();
    auto model = noisy_model();
    const auto before = values(model);
    const auto refused = [&](auto rule, const std::string& message) {
        Training training{model, rule};
        CHECK(error<std::runtime_error>([&] { load_training(path, training); }) ==
              "load_training: " + path.string() + ": " + message);
        CHECK(values(model) == before);
    };
    const std::string advice = "; make the Training with the rule it was saved with";
    refused(AdamW{}, "it was saved with the rule Adam, this training's is AdamW" + advice);
    refused(NamelessAdam{}, "it was saved with the rule Adam, this training's has no name" + advice);

    Safetensors file = read_safetensors(path);
    file.metadata.erase("training.rule"); // as of a rule without a name
    write_safetensors(path, file.tensors, file.metadata);
    refused(SGD{}, "\"optimizer.0.Bidirectional.forward.W.0\" is not in this training");
    Training nameless{model, NamelessAdam{}};
    load_training(path, nameless);
    CHECK(values(model) == values(program.model));
    CHECK(nameless.epochs() == program.training.epochs());
}

TEST_CASE("load_training: a file in memory is loaded as one on the disk") {
    const Folder folder;
    Program program(folder / "a");
    program.fit({});
    program.save();
    const std::string bytes = content(folder / "a");
    auto model = noisy_model(9);
    Training training{model, Adam{}};
    CHECK(load_training(std::as_bytes(std::span(bytes)), training) == Metadata{{"program", "a test"}});
    CHECK(outcome(training) == outcome(program.training));
    CHECK_THROWS_WITH(load_training(std::as_bytes(std::span(bytes).first(7)), training),
                      "load_training: memory: has 7 bytes, expected the header's length in the first 8");
}

#    if defined(__unix__) || defined(__APPLE__)

TEST_CASE("save_training: killed a hundred times and started again, a training ends with the bytes of one left alone") {
    const Folder folder;
    const auto options = [] {
        return FitOptions{.batch_size = 4,
                          .bucket = 2,
                          .schedule = ReduceOnPlateau{.patience = 0},
                          .early_stopping = EarlyStopping{.patience = 5}};
    };
    Program alone(folder / "alone");
    alone.fit(options());
    alone.save();
    const fs::path path = folder / "killed";
    const auto program = [&] { // in a process of its own; it saves after every batch
        const pid_t child = fork();
        if (child == 0) {
            try {
                Program run(path);
                run.fit(options(), [&](Progress&) { run.save(); });
                run.save();
            } catch (...) {
                _exit(1);
            }
            _exit(0);
        }
        return child;
    };
    const auto ended = [&](pid_t child) { // or it was killed
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        if (WIFSIGNALED(status))
            return false;
        REQUIRE(WEXITSTATUS(status) == 0);
        REQUIRE(content(path) == content(alone.path));
        return true;
    };
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    REQUIRE(ended(program()));
    const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();

    Random random(1);
    for (int kills = 0; kills < 100;) {
        const pid_t child = program();
        REQUIRE(child > 0);
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(whole / 8 + 1)));
        kill(child, SIGKILL);
        if (ended(child))
            fs::remove(path); // the next begins anew
        else
            ++kills;
    }
    Program last(path);
    last.fit(options());
    last.save();
    CHECK(content(path) == content(alone.path));
}

#    endif

#endif
