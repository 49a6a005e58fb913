#include "carousel/train/progress_bar.hpp"

#include "catch.hpp"

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

using namespace carousel;

namespace {

/// A variable of the environment; none of that name for nullptr.
void set_variable(const char* name, const char* value) {
#ifdef _WIN32
    _putenv_s(name, value ? value : ""); // where an empty one is none
#else
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
#endif
}

/// What the bar writes when it is shown these moments.
struct Moment {
    Index epoch, epochs, batch, batches;
    bool epoch_end;
    double seconds;
    EpochReport report;
    bool stop = false;
    Index earlier = 0, last = 0;
};
std::string written(BarStyle style, const std::vector<Moment>& moments, const std::vector<std::string>& metrics = {},
                    Index columns = 0) {
    std::ostringstream out;
    const Callback bar = progress_bar(out, style, columns);
    for (const Moment& m : moments) {
        Progress p{m.epoch,   m.epochs, m.batch, m.batches, m.epoch_end, m.report,
                   m.seconds, m.stop,   metrics, m.earlier, m.last};
        bar(p);
    }
    return out.str();
}

EpochReport report(double loss) {
    EpochReport r;
    r.loss = loss;
    return r;
}

} // namespace

TEST_CASE("progress_bar: a log has a line an epoch") {
    EpochReport validated = report(0.123456);
    validated.validation_loss = 0.5;
    EpochReport skipped = report(0.25);
    skipped.skipped_steps = 2;
    skipped.non_finite = "0.LSTM.U";
    CHECK(written(BarStyle::log, {{1, 10, 1, 2, false, 0.5, report(2)},
                                  {1, 10, 2, 2, true, 1, validated},
                                  {2, 10, 2, 2, true, 2, skipped},
                                  {10, 10, 2, 2, true, 9.5, report(1e-5)}}) ==
          "epoch  1/10  loss 0.1235  validation 0.5  9s left\n"
          "epoch  2/10  loss 0.25  2 steps skipped: 0.LSTM.U is not finite  8s left\n"
          "epoch 10/10  loss 1e-05  in 10s\n");
}

TEST_CASE("progress_bar: a gradient that is finite and too large to square is called that") {
    EpochReport skipped = report(0.25);
    skipped.skipped_steps = 1;
    skipped.non_finite = "0.LSTM.U";
    skipped.too_large = true;
    CHECK(written(BarStyle::log, {{1, 1, 2, 2, true, 2, skipped}}) ==
          "epoch 1/1  loss 0.25  1 steps skipped: 0.LSTM.U is too large to square  in 2s\n");
}

TEST_CASE(
    "progress_bar: a call that trains a part of the planned epochs has a last line, and the time left is its own") {
    const auto moment = [](Index epoch, double seconds) {
        return Moment{epoch, 100, 1, 1, true, seconds, report(1), false, 10, 12};
    };
    const std::vector<Moment> moments{moment(11, 1), moment(12, 2)};
    CHECK(written(BarStyle::log, moments) == "epoch  11/100  loss 1  1s left\nepoch  12/100  loss 1  in 2s\n");
    CHECK(written(BarStyle::terminal, moments) == "\repoch  11/100 [==                      ]  loss 1  1s left"
                                                  "\repoch  12/100 [==                      ]  loss 1  in 2s  \n");
}

TEST_CASE("progress_bar: metrics stand after their losses, by name") {
    EpochReport training = report(0.5);
    training.metrics = {0.75, 3};
    EpochReport validated = training;
    validated.validation_loss = 0.625;
    validated.validation_metrics = {0.6875, 4};
    CHECK(written(BarStyle::log, {{1, 2, 1, 1, true, 1, training}, {2, 2, 1, 1, true, 2, validated}},
                  {"accuracy", "perplexity"}) ==
          "epoch 1/2  loss 0.5  accuracy 0.75  perplexity 3  1s left\n"
          "epoch 2/2  loss 0.5  accuracy 0.75  perplexity 3  validation 0.625  val_accuracy 0.6875  val_perplexity 4  "
          "in 2s\n");
}

TEST_CASE("progress_bar: a long log has about twenty lines, the first, the last and one that stops early among them") {
    std::vector<Moment> moments;
    for (Index epoch = 1; epoch <= 100; ++epoch)
        moments.push_back({epoch, 100, 1, 1, true, static_cast<double>(epoch) / 2, report(1)});
    const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
    const std::string whole = written(BarStyle::log, moments);
    CHECK(lines(whole) == 21);
    CHECK(whole.starts_with("epoch   1/100  loss 1  50s left\nepoch   5/100  loss 1  48s left\nepoch  10/100"));
    CHECK(whole.ends_with("epoch  95/100  loss 1  3s left\nepoch 100/100  loss 1  in 50s\n"));

    moments.resize(7);
    moments.back().stop = true;
    CHECK(written(BarStyle::log, moments).ends_with("epoch   7/100  loss 1  in 4s\n"));
}

TEST_CASE("progress_bar: on a terminal one line redraws itself, at most ten times a second") {
    EpochReport longer = report(0.5);
    longer.validation_loss = 0.25;
    CHECK(written(BarStyle::terminal, {{1, 2, 1, 4, false, 0.0, longer},
                                       {1, 2, 2, 4, false, 0.05, report(7)}, // too soon
                                       {1, 2, 4, 4, true, 1.5, report(0.5)},
                                       {2, 2, 4, 4, true, 1.55, report(0.125)}}) ==
          "\repoch 1/2 [===                     ]  loss 0.5  validation 0.25  0s left"
          "\repoch 1/2 [============            ]  loss 0.5  2s left                 "
          "\repoch 2/2 [========================]  loss 0.125  in 2s\n");
}

TEST_CASE("progress_bar: a line on a terminal has fewer characters than the terminal has columns") {
    EpochReport r = report(0.5);
    r.metrics = {0.75};
    r.validation_loss = 0.25;
    const std::vector<Moment> half{{1, 2, 4, 4, true, 2, r}};
    const auto on = [&](Index columns, const char* metric = "accuracy") {
        return written(BarStyle::terminal, half, {metric}, columns);
    };
    const std::string rest =
        "  loss 0.5  accuracy 0.75  validation 0.25  2s left"; // 51 characters, and 9 of "epoch 1/2"
    CHECK(on(88) == "\repoch 1/2 [============            ]" + rest);
    CHECK(on(80) == "\repoch 1/2 [========        ]" + rest);
    CHECK(on(68) == "\repoch 1/2 [==  ]" + rest);
    CHECK(on(67) == "\repoch 1/2" + rest);
    CHECK(on(61) == "\repoch 1/2" + rest);
    CHECK(on(60) == "\repoch 1/2" + rest.substr(0, 50));
    CHECK(on(20) == "\repoch 1/2  loss 0.5");
    CHECK(on(1) == "\r");
    CHECK(on(30, "größe") == "\repoch 1/2  loss 0.5  größe 0.");
    CHECK(on(25, "größe") == "\repoch 1/2  loss 0.5  grö");
    CHECK(on(24, "größe") == "\repoch 1/2  loss 0.5  gr");
}

TEST_CASE("progress_bar: blanks hide the rest of a longer line and don't wrap either") {
    EpochReport longer = report(0.5);
    longer.validation_loss = 0.25;
    CHECK(written(BarStyle::terminal, {{1, 2, 1, 1, true, 1, longer}, {2, 2, 1, 1, true, 2, report(0.125)}}, {}, 30) ==
          "\repoch 1/2  loss 0.5  validati"
          "\repoch 2/2  loss 0.125  in 2s \n");
}

TEST_CASE("progress_bar: a terminal has the columns that COLUMNS says") {
    const char* const before = std::getenv("COLUMNS");
    const std::string kept = before ? before : "";
    set_variable("COLUMNS", "37");
    CHECK(detail::terminal_columns() == 37);
    for (const char* const useless : {"", "0", "-5", "wide", "37x", "99999999999999999999"}) {
        set_variable("COLUMNS", useless);
        CHECK(detail::terminal_columns() >= 1);
        CHECK(detail::terminal_columns() < 10'000);
    }
    set_variable("COLUMNS", before ? kept.c_str() : nullptr);
    CHECK_THROWS_WITH(progress_bar(std::clog, BarStyle::terminal, -1),
                      "progress_bar: columns is -1, expected columns >= 0");
}

TEST_CASE("progress_bar: durations in seconds, minutes and hours") {
    const auto end_of = [](double seconds) {
        const std::string line = written(BarStyle::log, {{1, 1, 1, 1, true, seconds, report(1)}});
        return line.substr(line.find("in "));
    };
    CHECK(end_of(0) == "in 0s\n");
    CHECK(end_of(59) == "in 59s\n");
    CHECK(end_of(59.5) == "in 1m00s\n");
    CHECK(end_of(125) == "in 2m05s\n");
    CHECK(end_of(3600 + 240 + 5) == "in 1h04m\n");
}

TEST_CASE("progress_bar: a stream that is no terminal gets a log") {
    std::ostringstream out;
    Progress p{1, 1, 1, 1, true, report(0.5), 1};
    progress_bar(out)(p);
    CHECK(out.str() == "epoch 1/1  loss 0.5  in 1s\n");
}
