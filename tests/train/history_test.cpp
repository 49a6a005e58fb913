#include "carousel/train/history.hpp"

#include "catch.hpp"

using namespace carousel;

TEST_CASE("History: the best loss is the best epoch's, of validation where there is any") {
    CHECK(std::isnan(History{}.best_loss()));
    History history{.epochs = {{.epoch = 1, .loss = 3}, {.epoch = 2, .loss = 1}, {.epoch = 3, .loss = 2}}};
    CHECK(history.best_loss() == 3); // no epoch was the best: that of the first
    history.best_epoch = 2;
    CHECK(history.best_loss() == 1);
    history.epochs[1].validation_loss = 4;
    CHECK(history.best_loss() == 4);
}

TEST_CASE("every_epoch: calls at the end of every so many epochs, not after their batches") {
    std::vector<Index> seen;
    const Callback third = every_epoch([&](const EpochReport& report) { seen.push_back(report.epoch); }, 3);
    for (Index epoch = 1; epoch <= 7; ++epoch)
        for (const bool end : {false, true}) {
            const EpochReport report{.epoch = epoch};
            Progress progress{epoch, 7, 1, 1, end, report};
            third(progress);
        }
    CHECK(seen == std::vector<Index>{3, 6});
}

TEST_CASE("every_epoch: refuses what would divide by zero or call nothing") {
    const auto nothing = [](const EpochReport&) {};
    REQUIRE_THROWS_AS(every_epoch(nothing, 0), std::invalid_argument);
    REQUIRE_THROWS_WITH(every_epoch(nothing, 0), "every_epoch: every is 0, expected every >= 1");
    REQUIRE_THROWS_WITH(every_epoch(nothing, -3), "every_epoch: every is -3, expected every >= 1");
    REQUIRE_THROWS_WITH(every_epoch({}), "every_epoch: f is empty, expected a function of an EpochReport");
}
