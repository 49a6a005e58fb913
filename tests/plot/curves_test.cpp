#include "carousel/plot/curves.hpp"

#include "catch.hpp"

#include <cmath>

using namespace carousel;
using namespace carousel;

TEST_CASE("curves: loss and first metric by epoch, of training and validation") {
    History history;
    history.metrics = {"accuracy", "mae"};
    for (Index epoch = 1; epoch <= 3; ++epoch) {
        EpochReport report{.epoch = epoch, .loss = 1.0 / static_cast<double>(epoch)};
        report.metrics = {0.5, 9};
        if (epoch > 1) {
            report.validation_loss = 2;
            report.validation_metrics = {0.25, 9};
        }
        history.epochs.push_back(report);
    }
    const Picture picture = curves("a.png", history, "title", "nats");
    REQUIRE((picture.file == "a.png" && picture.side_by_side && picture.frames.size() == 2));
    const Plot &loss = picture.frames[0], &accuracy = picture.frames[1];
    CHECK((loss.title == "title" && loss.y_label == "nats" && accuracy.y_label == "accuracy"));
    REQUIRE((loss.series.size() == 2 && accuracy.series.size() == 2));
    CHECK((loss.series[0].name == "training" && loss.series[1].name == "validation"));
    CHECK(loss.series[0].x == std::vector<double>{1, 2, 3});
    CHECK(loss.series[0].y == std::vector<double>{1, 0.5, 1.0 / 3});
    CHECK((std::isnan(loss.series[1].y[0]) && loss.series[1].y[2] == 2));
    CHECK(accuracy.series[0].y == std::vector<double>{0.5, 0.5, 0.5});
    CHECK((std::isnan(accuracy.series[1].y[0]) && accuracy.series[1].y[1] == 0.25));
}

TEST_CASE("curves: without validation or metrics there is one curve") {
    History history;
    history.epochs = {{.epoch = 1, .loss = 2}};
    const Picture picture = curves("a.png", history, "title");
    REQUIRE((picture.frames.size() == 1 && picture.frames[0].series.size() == 1));
    CHECK(picture.frames[0].y_label == "loss");
}
