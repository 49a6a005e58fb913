#include "support/forecast_settings.hpp"

#include "catch.hpp"

#include <string>
#include <vector>

using namespace carousel;
using namespace example;

namespace {

ForecastSettings settings() {
    ForecastSettings all;
    all.task = {.target = "load, \"kW\"",
                .inputs = joined(std::vector<std::string>{"wind\\,N", "a,b"}),
                .calendar = {"hour_of_day", "month_of_year"},
                .steps = 24,
                .horizon = 2,
                .scale = "robust",
                .relative = "deviation",
                .least_deviation = 0.3,
                .log = true,
                .quantiles = {0.1, 0.9}};
    all.inputs = {"load, \"kW\"", "wind\\,N", "a,b", "\\", ""};
    all.shifts = {0, -0.25, 0.5, 0, 1.0 / 3, 1};
    all.scaler = {Vector<double>::LinSpaced(5, -1, 1), Vector<double>::LinSpaced(5, 1, 2)};
    return all;
}

/// What is said of the settings if one has this text; empty if they are read.
std::string said(const std::string& name, const std::string& text) {
    Metadata metadata = metadata_of(settings(), 3);
    metadata[name] = text;
    try {
        settings_of(metadata, "net");
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("forecast settings: read as they were saved, names with commas and backslashes, too") {
    const auto [read, nets] = settings_of(metadata_of(settings(), 3), "net");
    const ForecastSettings saved = settings();
    CHECK(nets == 3);
    CHECK(read.task.target == saved.task.target);
    CHECK(words_of(read.task.inputs) == std::vector<std::string>{"wind\\,N", "a,b"});
    CHECK(read.task.calendar == saved.task.calendar);
    CHECK(read.task.steps == 24);
    CHECK(read.task.horizon == 2);
    CHECK(read.task.scale == "robust");
    CHECK(read.task.relative == "deviation");
    CHECK(read.task.least_deviation == 0.3);
    CHECK(read.task.log);
    CHECK(read.task.quantiles == saved.task.quantiles);
    CHECK(read.inputs == saved.inputs);
    CHECK(read.shifts == saved.shifts);
    CHECK(read.scaler.center == saved.scaler.center);
    CHECK(read.scaler.scale == saved.scaler.scale);
    CHECK(read.outputs() == 3);
}

TEST_CASE("lists of words: what is joined is read back, and a backslash of its own stays") {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{""}, {"", ""}, {"", "a"}, {"a", ""}, {"a,", ",b"}, {"\\", "\\\\", "\\,"}, {"C:\\x"}})
        CHECK(words_of(joined(words)) == words);
    CHECK(words_of("C:\\x,b") == std::vector<std::string>{"C:\\x", "b"});
    CHECK(words_of("a\\,b,c\\") == std::vector<std::string>{"a,b", "c\\"});
}

TEST_CASE("forecast settings: those of a damaged or foreign file are refused, by name and value") {
    const std::string why = ": the file was damaged, or another program saved it";
    CHECK(said("other", "text").empty());
    CHECK(said("forecast.steps", "x") == "net: forecast.steps is \"x\", expected numbers from 1 to 1000000" + why);
    for (const std::string text : {"", "0", "-1", "1.5", "1e30", "nan", "inf", "12x", "1,2", " 1", "1e999"}) {
        INFO(text);
        for (const std::string name : {"forecast.steps", "forecast.horizon", "forecast.nets"})
            CHECK(said(name, text).starts_with("net: " + name + " is \"" + text + "\", expected "));
    }
    CHECK(said("forecast.nets", "101") == "net: forecast.nets is \"101\", expected numbers from 1 to 100" + why);
    CHECK(said("forecast.scale", "big") ==
          "net: forecast.scale is \"big\", expected one of standard,minmax,robust,none" + why);
    CHECK(said("forecast.relative", "first") ==
          "net: forecast.relative is \"first\", expected one of last,deviation,none" + why);
    CHECK(said("forecast.log", "yes") == "net: forecast.log is \"yes\", expected one of 0,1" + why);
    CHECK(said("forecast.least_deviation", "0") ==
          "net: forecast.least_deviation is \"0\", expected numbers from 1e-06 to 1000000" + why);
    CHECK(
        said("forecast.quantiles", "0.1,0.5,0.9") ==
        "net: forecast.shifts is \"0,-0.25,0.5,0,0.3333333333333333,1\", expected one number for each of 8 outputs, or "
        "none" +
            why);
    CHECK(said("forecast.quantiles", "0.9,0.1") ==
          "net: forecast.quantiles is \"0.9,0.1\", expected them in order" + why);
    CHECK(said("forecast.quantiles", "0.1,1") ==
          "net: forecast.quantiles is \"0.1,1\", expected numbers from 1e-06 to 0.999999" + why);
    CHECK(said("forecast.calendar", "hour_of_day,noon") ==
          "net: forecast.calendar is \"hour_of_day,noon\", expected cycles as hour_of_day" + why);
    CHECK(said("forecast.rows", "a,b") ==
          "net: forecast.rows is \"a,b\", expected the target, \"load, \"kW\"\", first" + why);
    CHECK(said("forecast.rows", "load\\, \"kW\",b,b") ==
          "net: forecast.rows is \"load\\, \"kW\",b,b\", expected each input once" + why);
    CHECK(said("forecast.rows", "load\\, \"kW\",b") == "net: the scaler has 5 scales, expected 2, one above 0 for each "
                                                       "input");
    CHECK(said("forecast.shifts", "").empty());
    CHECK(said("forecast.shifts", "0,nan,0,0,0,0").starts_with("net: forecast.shifts is \"0,nan,0,0,0,0\", expected "));
    CHECK(said("scaler.scale", "1,2") == "net: Scaler::load: \"scaler\" isn't as many centers as scales that aren't 0");
    CHECK(said("scaler.scale", "1,2,3,4,-5") == "net: the scaler has 5 scales, expected 5, one above 0 for each input");
    REQUIRE_THROWS_WITH(settings_of({}, "net"),
                        "net: this program didn't save it: its metadata has no forecast.target");
}
