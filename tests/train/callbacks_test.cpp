// Callbacks of the library: a time limit and a log.
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/csv_log.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/time_limit.hpp"

#include "catch.hpp"
#include "io/folder.hpp"
#include "train/going_on.hpp"

#include <fstream>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

/// The lines of a file, each up to its last comma: without the seconds.
std::vector<std::string> lines(const fs::path& path) {
    std::ifstream file(path);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);)
        all.push_back(line.substr(0, line.rfind(',')));
    return all;
}

} // namespace

TEST_CASE("TimeLimit: ends a call after a batch or at the end of the epoch, and the training goes on as one") {
    const auto options = [](std::vector<Callback> callbacks) {
        return FitOptions{.epochs = 4, .batch_size = 4, .callbacks = std::move(callbacks)};
    };
    auto once_model = noisy_model(), runs_model = noisy_model();
    Training once{once_model, SGD{}}, runs{runs_model, SGD{}};
    fit(once, training_data(), MeanSquaredError{}, options({TimeLimit{.seconds = 3600}}));
    CHECK_FALSE(once.history().stopped);

    fit(runs, training_data(), MeanSquaredError{}, options({TimeLimit{.seconds = 0}}));
    CHECK(runs.history().stopped);
    CHECK(runs.optimizer().steps() == 1);
    fit(runs, training_data(), MeanSquaredError{}, options({TimeLimit{.seconds = 0, .finish_epoch = true}}));
    CHECK(runs.epochs() == 1);
    CHECK(runs.optimizer().steps() == 3);
    FitOptions rest = options({});
    rest.epochs = 3;
    fit(runs, training_data(), MeanSquaredError{}, rest);
    CHECK(values(once_model) == values(runs_model));

    REQUIRE_THROWS_WITH(fit(runs, training_data(), MeanSquaredError{}, options({TimeLimit{.seconds = -1}})),
                        "TimeLimit: seconds is -1, expected seconds >= 0");
}

TEST_CASE("csv_log: a row for every epoch, also of a program that is killed and started again") {
    const Folder folder;
    const auto run = [&](const fs::path& path, auto& training, Index epochs) {
        fit(training, training_data(), validation_data(), MeanSquaredError{},
            {.epochs = epochs, .batch_size = 4, .metrics = {MeanAbsoluteError{}}, .callbacks = {csv_log(path)}});
    };
    auto model = noisy_model(), same = noisy_model();
    Training training{model, SGD{}}, going_on{same, SGD{}};
    run(folder / "a.csv", training, 4);
    const auto expected = lines(folder / "a.csv");
    REQUIRE(expected.size() == 5);
    CHECK(expected[0] == "epoch,loss,validation_loss,mae,validation_mae,learning_rate,gradient_norm,skipped_steps");
    const EpochReport& third = training.history().epochs[2];
    CHECK(expected[3] == "3," + detail::shortest(third.loss) + "," + detail::shortest(third.validation_loss) + "," +
                             detail::shortest(third.metrics[0]) + "," + detail::shortest(third.validation_metrics[0]) +
                             ",0.01," + detail::shortest(third.gradient_norm) + ",0");

    run(folder / "b.csv", going_on, 2);
    std::ofstream(folder / "b.csv", std::ios::app) << "3,0.5,0.5,\n4,0.1"; // of epochs that weren't saved
    run(folder / "b.csv", going_on, 1);
    run(folder / "b.csv", going_on, 1);
    CHECK(lines(folder / "b.csv") == expected);

    auto another = noisy_model();
    Training anew{another, SGD{}};
    run(folder / "b.csv", anew, 1); // replaces it
    CHECK(lines(folder / "b.csv") == std::vector(expected.begin(), expected.begin() + 2));
}

TEST_CASE("csv_log: what wasn't measured is empty, names are quoted, and what is wrong is named") {
    const Folder folder;
    const fs::path path = folder / "log.csv";
    const std::vector<std::string> metrics{"a,\"b\""};
    const EpochReport report{.epoch = 1, .loss = 0.5, .metrics = {2}, .learning_rate = 0.25};
    Progress progress{.epoch = 1, .epochs = 2, .epoch_end = true, .report = report, .metrics = metrics};
    Callback log = csv_log(path);
    log(progress);
    CHECK(lines(path) ==
          std::vector<std::string>{"epoch,loss,validation_loss,\"a,\"\"b\"\"\",\"validation_a,\"\"b\"\"\","
                                   "learning_rate,gradient_norm,skipped_steps",
                                   "1,0.5,,2,,0.25,0,0"});
    const EpochReport second{.epoch = 2};
    Progress other{.epoch = 2, .epochs = 2, .epoch_end = true, .report = second};
    const std::string header = "epoch,loss,validation_loss,learning_rate,gradient_norm,skipped_steps,seconds";
    CHECK_THROWS_AS(csv_log(path)(other), std::runtime_error);
    CHECK(lines(path).size() == 2);
    const fs::path none = folder / "none";
    REQUIRE_THROWS_WITH(csv_log(none / "log.csv"), "csv_log: " + (none / "log.csv").string() +
                                                       ": can't be written: there is no folder " + none.string() +
                                                       ", make it first");
    REQUIRE_THROWS_WITH(csv_log(""), "csv_log: \"\": can't be written: expected the path of a file, not of a folder");
}

TEST_CASE(
    "csv_log: what isn't a log of its own is neither replaced nor added to, and refused before a training begins") {
    const Folder folder;
    const fs::path path = folder / "notes.csv";
    const auto refused = [&](const std::string& message) {
        REQUIRE_THROWS_WITH(csv_log(path), "csv_log: " + path.string() + ": " + message);
    };
    const std::string header =
        "epoch,loss,validation_loss,mae,validation_mae,learning_rate,gradient_norm,skipped_steps,"
        "seconds\n";
    for (const std::string text :
         {"my notes\nof a year\n", "epoch,loss\n1,2\n", "epoch,loss,validation_loss,mine\n1,2\n", "1,2,3", "\n"}) {
        put(path, text);
        refused("is no file of csv_log; its first line begins with \"" + text.substr(0, text.find('\n')) +
                "\"; move the file away, or log to another");
        CHECK(content(path) == text);
    }
    fs::remove(path);
    fs::create_directory(path);
    refused("is no regular file, expected a file of csv_log, or none");
    fs::remove(path);
    const EpochReport first{.epoch = 1}, second{.epoch = 2};
    const std::vector<std::string> metrics{"mae"};
    Progress begins{.epoch = 1, .epochs = 2, .epoch_end = true, .report = first, .metrics = metrics};
    Progress goes_on{.epoch = 2, .epochs = 2, .epoch_end = true, .report = second, .metrics = metrics};
    for (const std::string& text :
         {std::string(), header.substr(0, 9), header.substr(0, 40), header + "1,0,0,0,0,0,0,0,0\n"}) {
        put(path, text);
        csv_log(path)(begins); // replaces it
        CHECK(lines(path).size() == 2);
    }
    put(path, header.substr(0, header.size() - 1) + "\r\n1,0,0,0,0,0,0,0,0\r\n");
    csv_log(path)(goes_on);
    CHECK(lines(path).size() == 3);
    fs::remove(path);
    Callback log = csv_log(path);
    put(path, "written since\n");
    CHECK_THROWS_AS(log(begins), std::runtime_error);
    CHECK(content(path) == "written since\n");
    fs::remove(path);
    log(begins);
    put(path, "written since\n"); // between two epochs
    CHECK_THROWS_AS(log(goes_on), std::runtime_error);
    CHECK(content(path) == "written since\n");
}
