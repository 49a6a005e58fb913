// Dates and times of day: read in the forms that files have them in, and written as ISO 8601 has them.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI {

/// A date with its time of day, in whole seconds and without a time zone (or in UTC).
using DateTime = std::chrono::sys_seconds;

/// Which of 3/4/2021 is the month. A date whose numbers are parted by points begins with the day, one that begins with the year
/// goes on with the month.
enum class DateOrder { month_first, day_first };

/// The text as a date, or nothing if it isn't one; blanks around it are allowed.
///
///     2021-03-04  2021/3/4  2021.03.04  2021-03  2021Q1  3/4/2021  3-4-2021  04.03.2021
///     4 March 2021  04-Mar-2021  March 4, 2021  Mar 2021
///
/// each, if it has a day, with or without a time of day after blanks or a T: 17:05, 17:05:59, 17:05:59.25 (parts of a
/// second are left out), 5:05 PM; behind it may stand Z, UTC, GMT or an offset as +02:00, which is taken off. Years
/// have four digits.
std::optional<DateTime> parse_date(std::string_view text, DateOrder order = DateOrder::month_first);

/// 20210304, 202103041705 and 20210304170559, which without a word that they are dates are numbers.
std::optional<DateTime> parse_compact_date(std::string_view text);

/// A time of day, 17:05, 17:05:59, 17.05.59 or 5:05 PM, in seconds since midnight; 24:00 is the end of the day.
std::optional<std::chrono::seconds> parse_time_of_day(std::string_view text);

/// 2021-03-04 17:05:59; without the seconds, or the time of day, where they are zero.
std::string date_text(DateTime time);

namespace detail {

/// What is left of a text that is read from its front.
struct DateCursor {
    std::string_view rest;

    void skip_blanks() { rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size())); }
    bool take(char c) {
        const bool there = rest.starts_with(c);
        rest.remove_prefix(there ? 1U : 0U);
        return there;
    }
    /// A number of `least` to `most` digits, no more of which follow; −1 if there is none.
    int number(std::size_t least, std::size_t most) {
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
        if (digits < least || digits > most)
            return -1;
        int value = 0;
        for (const char digit : rest.substr(0, digits))
            value = 10 * value + (digit - '0');
        rest.remove_prefix(digits);
        return value;
    }
    /// A word of letters, in lower case.
    std::string word() {
        std::string letters;
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        while (!rest.empty() && lower(rest.front()) >= 'a' && lower(rest.front()) <= 'z') {
            letters += lower(rest.front());
            rest.remove_prefix(1);
        }
        return letters;
    }
};

inline std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// 1 … 12 for a month's English name or its first three letters (four of September), else −1.
inline int month_of(std::string_view word) {
    constexpr std::array<std::string_view, 12> names{"january",   "february", "march",    "april",
                                                     "may",       "june",     "july",     "august",
                                                     "september", "october",  "november", "december"};
    for (std::size_t k = 0; k < names.size(); ++k)
        if (word == names[k] || word == names[k].substr(0, 3) || (word == "sept" && k == 8))
            return static_cast<int>(k) + 1;
    return -1;
}

inline std::optional<DateTime> date_of(int year, int month, int day) {
    if (year < 0 || month < 0 || day < 0)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    return date.ok() ? std::optional(DateTime(std::chrono::sys_days(date))) : std::nullopt;
}

/// The time of day at the cursor, its parts parted by `separator`, with AM or PM behind it.
inline std::optional<std::chrono::seconds> time_of_day(DateCursor& at, char separator) {
    int hour = at.number(1, 2);
    if (hour < 0 || !at.take(separator))
        return std::nullopt;
    const int minute = at.number(2, 2);
    int second = 0;
    if (at.take(separator)) {
        second = at.number(2, 2);
        if (at.rest.size() > 1 && (at.rest.front() == '.' || at.rest.front() == ',')) {
            at.rest.remove_prefix(1);
            if (at.rest.find_first_not_of("0123456789") == 0)
                return std::nullopt;
            at.rest.remove_prefix(std::min(at.rest.find_first_not_of("0123456789"), at.rest.size()));
        }
    }
    DateCursor behind = at;
    behind.skip_blanks();
    if (const std::string half = behind.word(); half == "am" || half == "pm") {
        if (hour < 1 || hour > 12)
            return std::nullopt;
        hour = hour % 12 + (half == "pm" ? 12 : 0);
        at = behind;
    }
    const bool midnight = hour == 24 && minute == 0 && second == 0;
    if (minute < 0 || minute > 59 || second < 0 || second > 59 || (hour > 23 && !midnight))
        return std::nullopt;
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

/// Z, UTC, GMT or ±hh:mm, ±hhmm, ±hh; zero if there is none, nothing if there is something else.
inline std::optional<std::chrono::seconds> zone_offset(DateCursor& at) {
    if (at.rest.empty())
        return std::chrono::seconds(0);
    DateCursor behind = at;
    if (const std::string zone = behind.word(); zone == "z" || zone == "utc" || zone == "gmt") {
        at = behind;
        return std::chrono::seconds(0);
    }
    const bool west = at.rest.front() == '-';
    if (!at.take('+') && !at.take('-'))
        return std::nullopt;
    DateCursor four = at;
    int hours = -1, minutes = 0;
    if (const int both = four.number(4, 4); both >= 0) {
        hours = both / 100;
        minutes = both % 100;
        at = four;
    } else {
        hours = at.number(2, 2);
        if (at.take(':'))
            minutes = at.number(2, 2);
    }
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return std::nullopt;
    return (std::chrono::hours(hours) + std::chrono::minutes(minutes)) * (west ? -1 : 1);
}

/// The calendar's day at the cursor; `whole` says whether it has one, not a month or a quarter alone.
inline std::optional<DateTime> calendar_day(DateCursor& at, DateOrder order, bool& whole) {
    whole = true;
    const auto parted = [&](char& separator) {
        separator = at.rest.empty() ? '\0' : at.rest.front();
        return (separator == '-' || separator == '/' || separator == '.') && at.take(separator);
    };
    const auto blanks_or_dash = [&] {
        const std::size_t before = at.rest.size();
        at.skip_blanks();
        return at.take('-') || at.rest.size() < before;
    };
    char separator = '\0';
    if (const int year = at.number(4, 4); year >= 0) {
        if (at.take('Q') || at.take('q')) {
            const int quarter = at.number(1, 1);
            whole = false;
            return quarter >= 1 && quarter <= 4 ? date_of(year, 3 * quarter - 2, 1) : std::nullopt;
        }
        if (!parted(separator))
            return std::nullopt;
        const int month = at.number(1, 2);
        if (at.take(separator))
            return date_of(year, month, at.number(1, 2));
        whole = false;
        return date_of(year, month, 1);
    }
    if (const int first = at.number(1, 2); first >= 0) {
        DateCursor dates = at;
        if (parted(separator)) {
            if (const int second = at.number(1, 2); second >= 0) {
                if (!at.take(separator))
                    return std::nullopt;
                const bool day_first = separator == '.' || order == DateOrder::day_first;
                return date_of(at.number(4, 4), day_first ? second : first, day_first ? first : second);
            }
            at = dates;
        }
        if (!blanks_or_dash())
            return std::nullopt;
        const int month = month_of(at.word());
        return month > 0 && blanks_or_dash() ? date_of(at.number(4, 4), month, first) : std::nullopt;
    }
    const int month = month_of(at.word());
    if (month < 0 || !blanks_or_dash())
        return std::nullopt;
    if (const int year = at.number(4, 4); year >= 0) {
        whole = false;
        return date_of(year, month, 1);
    }
    const int day = at.number(1, 2);
    at.take(',');
    return blanks_or_dash() ? date_of(at.number(4, 4), month, day) : std::nullopt;
}

} // namespace detail

inline std::optional<DateTime> parse_date(std::string_view text, DateOrder order) {
    detail::DateCursor at{detail::without_blanks(text)};
    bool whole = true;
    const std::optional<DateTime> day = detail::calendar_day(at, order, whole);
    if (!day || at.rest.empty())
        return day;
    const bool marked = at.take('T') || at.take('t');
    if (!whole || (!marked && at.rest.front() != ' ' && at.rest.front() != '\t'))
        return std::nullopt;
    at.skip_blanks();
    const auto time = detail::time_of_day(at, ':');
    at.skip_blanks();
    const auto offset = detail::zone_offset(at);
    return time && offset && at.rest.empty() ? std::optional(*day + *time - *offset) : std::nullopt;
}

inline std::optional<DateTime> parse_compact_date(std::string_view text) {
    text = detail::without_blanks(text);
    if ((text.size() != 8 && text.size() != 12 && text.size() != 14) ||
        text.find_first_not_of("0123456789") != text.npos)
        return std::nullopt;
    const auto part = [&](std::size_t first, std::size_t count) {
        return first < text.size() ? detail::DateCursor{text.substr(first, count)}.number(count, count) : 0;
    };
    const int hour = part(8, 2), minute = part(10, 2), second = part(12, 2);
    const std::optional<DateTime> day = detail::date_of(part(0, 4), part(4, 2), part(6, 2));
    if (!day || hour > 23 || minute > 59 || second > 59)
        return std::nullopt;
    return *day + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

inline std::optional<std::chrono::seconds> parse_time_of_day(std::string_view text) {
    for (const char separator : {':', '.'}) {
        detail::DateCursor at{detail::without_blanks(text)};
        if (const auto time = detail::time_of_day(at, separator); time && at.rest.empty())
            return time;
    }
    return std::nullopt;
}

inline std::string date_text(DateTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto seconds = static_cast<int>((time.time_since_epoch().count() % 86400 + 86400) % 86400);
    const auto year = static_cast<int>(date.year());
    char text[64];
    const int end = std::snprintf(text, sizeof text, "%s%04d-%02u-%02u", year < 0 ? "-" : "", std::abs(year),
                                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    std::string result(text, static_cast<std::size_t>(end));
    if (seconds == 0)
        return result;
    std::snprintf(text, sizeof text, " %02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return result + (seconds % 60 == 0 ? std::string(text, 6) : std::string(text));
}

} // namespace carousel
