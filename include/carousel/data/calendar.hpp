// Calendar features: where a date stands in its day, week or year, as points on a circle.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/data/date.hpp"

#include <cmath>
#include <iterator>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// A cycle of the calendar. A date's place in it counts what is smaller, too: half past six is 6.5 hours of the day.
enum class Calendar {
    hour_of_day,
    day_of_week, ///< from Monday
    day_of_month,
    day_of_year,
    month_of_year, ///< in whole months
};

/// "hour_of_day", … Throws std::invalid_argument if it is none of them.
inline std::string calendar_name(Calendar cycle) {
    constexpr const char* names[] = {"hour_of_day", "day_of_week", "day_of_month", "day_of_year", "month_of_year"};
    const auto number = static_cast<int>(cycle);
    require(number >= 0 && number < static_cast<int>(std::size(names)), "calendar_name", "the cycle has number ",
            number, ", expected a value of Calendar");
    return names[number];
}

/// The place of a date in a cycle, from 0 (inclusive) to 1: noon is .5 of the day. Throws std::invalid_argument if its
/// year has more than four digits, as of milliseconds that are taken for seconds.
inline double calendar_phase(DateTime time, Calendar cycle) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    require(day >= sys_days(year(-9999) / 1 / 1) && day < sys_days(year(10000) / 1 / 1), "calendar_phase",
            "the date is ", time.time_since_epoch().count(),
            " s since 1970, expected a year of four digits: is it in another unit?");
    const year_month_day date(day);
    const double of_day = static_cast<double>((time - day).count()) / 86400;
    const auto share = [&](sys_days first, sys_days next) {
        return (static_cast<double>((day - first).count()) + of_day) / static_cast<double>((next - first).count());
    };
    switch (cycle) {
    case Calendar::hour_of_day:
        return of_day;
    case Calendar::day_of_week:
        return (static_cast<double>(weekday(day).iso_encoding() - 1) + of_day) / 7;
    case Calendar::day_of_month: {
        const year_month month = date.year() / date.month();
        return share(sys_days(month / 1), sys_days((month + months(1)) / 1));
    }
    case Calendar::day_of_year:
        return share(sys_days(date.year() / 1 / 1), sys_days((date.year() + years(1)) / 1 / 1));
    case Calendar::month_of_year:
        break;
    }
    return static_cast<double>(static_cast<unsigned>(date.month()) - 1) / 12;
}

/// For each cycle two rows, sine and cosine of 2π · calendar_phase, over the dates: (2 · cycles) × dates.
template <std::floating_point S>
Matrix<S> calendar_features(std::span<const DateTime> dates, std::span<const Calendar> cycles) {
    Matrix<S> features(2 * static_cast<Index>(cycles.size()), static_cast<Index>(dates.size()));
    for (std::size_t k = 0; k < cycles.size(); ++k)
        for (std::size_t t = 0; t < dates.size(); ++t) {
            const double angle = 2 * std::numbers::pi * calendar_phase(dates[t], cycles[k]);
            features(2 * static_cast<Index>(k), static_cast<Index>(t)) = static_cast<S>(std::sin(angle));
            features(2 * static_cast<Index>(k) + 1, static_cast<Index>(t)) = static_cast<S>(std::cos(angle));
        }
    return features;
}
template <std::floating_point S>
Matrix<S> calendar_features(const std::vector<DateTime>& dates, const std::vector<Calendar>& cycles) {
    return calendar_features<S>(std::span<const DateTime>(dates), std::span<const Calendar>(cycles));
}

} // namespace carousel
