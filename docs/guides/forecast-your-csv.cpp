// The program of forecast-your-csv.md.
#include <carousel/carousel.hpp>
#include <carousel/data/split.hpp>
#include <carousel/data/table.hpp>
#include <carousel/io/safetensors.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <numbers>

using namespace carousel;

// In the place of your file: what a small town draws, hour by hour for 100 days, and how warm it is. The meter fails now and then.
void write_file(const char* path) {
    Random random(1);
    std::ofstream file(path);
    file << "time,load_kw,temperature\n";
    double weather = 0;
    for (int hour = 0; hour < 2400; ++hour) {
        const int of_day = hour % 24, day = hour / 24 % 7;
        weather = 0.98 * weather + 0.5 * random.normal();
        const double temperature = 8 - 5 * std::cos(2 * std::numbers::pi * (of_day - 3) / 24) + weather;
        const bool awake = of_day > 6 && of_day < 22, works = day < 5 && of_day > 7 && of_day < 18;
        const double load = 300 + 90 * awake + 110 * works - 8 * temperature + 12 * random.normal();
        const DateTime time = parse_date("2026-01-05 00:00").value() + std::chrono::hours(hour);
        file << date_text(time) << ',' << (hour % 500 == 77 ? "NA" : std::to_string(load)) << ',' << temperature
             << '\n';
    }
}

int main() {
    write_file("load.csv");

    Table table = read_csv("load.csv");
    std::printf("%td hours, the first %s, %td of load_kw missing\n", table.rows(), table.label(0).c_str(),
                table.column("load_kw").missing());
    fill_gaps(table.values("load_kw"), Fill::forward);

    Matrix<float> measured = table.matrix<float>({"load_kw", "temperature"});
    const std::vector<RowRange> parts = split_by_fractions(table.rows(), {0.6, 0.2, 0.2});
    const Scaler scaler = StandardScaler{}.fit(measured.leftCols(parts[0].count));
    scaler.transform(measured);

    std::vector<DateTime> hours = table.dates();
    for (Index k = 0; k < 24; ++k)
        hours.push_back(hours.back() + std::chrono::hours(1));
    const auto calendar = calendar_features<float>(hours, {Calendar::hour_of_day, Calendar::day_of_week});
    Matrix<float> series(6, table.rows() + 24); // load, temperature, the calendar's four; and a day that is to come
    series << measured, Matrix<float>::Constant(2, 24, std::numeric_limits<float>::quiet_NaN()), calendar;

    const WindowOptions task{.steps = 48, .horizon = 24, .inputs = {0, 1}, .targets = {0}, .known = {2, 3, 4, 5}};
    const auto windows_of = [&](RowRange rows) {
        rows = rows.with_history(48);
        return Windows(series.middleCols(rows.first, rows.count), task);
    };
    const Windows training = windows_of(parts[0]), validation = windows_of(parts[1]), test = windows_of(parts[2]);
    std::printf("%td windows to train on, %td to validate, %td to test\n", training.size(), validation.size(),
                test.size());

    const std::vector<double> quantiles{0.1, 0.5, 0.9};
    Sequential model{GRU<float>{6, 32, {.seed = 1}}, LastStep{}, Dense<float>{32, 24 * 3, {.seed = 2}}};
    fit(model, training, validation, QuantileLoss{quantiles}, Adam{.learning_rate = 3e-3},
        {.epochs = 40,
         .batch_size = 32,
         .seed = 1,
         .clip_norm = 1.0,
         .schedule = CosineAnnealing{},
         .early_stopping = EarlyStopping{.patience = 5}});

    const Evaluation result = evaluate(model, test, QuantileLoss{quantiles},
                                       {.metrics = {OfOutput{MeanAbsoluteError{}, 1, 3}, IntervalCoverage{}}});
    const double unit = scaler.scale[0];
    double yesterday = 0;
    for (Index t = parts[2].first; t < parts[2].end(); ++t)
        yesterday +=
            std::abs(static_cast<double>(series(0, t) - series(0, t - 24))) / static_cast<double>(parts[2].count);
    const double error = result.metrics[0] * unit, naive = yesterday * unit;
    std::printf("the median is off by %.1f kW on average, the value of the day before by %.1f kW\n", error, naive);
    std::printf("%.1f %% of the loads lie in the interval of 80 %%\n", 100 * result.metrics[1]);

    Metadata metadata;
    scaler.save(metadata);
    save_safetensors("load.safetensors", model, metadata);

    const Windows tomorrow(series.rightCols(48 + 24), task);
    Matrix<float> forecast = predict(model, tomorrow).values(); // 72 × 1: of each hour its three quantiles
    scaler.inverse_transform(forecast, {0});
    for (Index k = 0; k < 24; k += 6)
        std::printf("%s: between %.1f and %.1f kW\n",
                    date_text(hours[hours.size() - 24 + static_cast<std::size_t>(k)]).c_str(),
                    static_cast<double>(forecast(3 * k)), static_cast<double>(forecast(3 * k + 2)));
}
