// search: options tried at random, in threads, with the same results for any number of them.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/number_text.hpp"
#    include "carousel/core/random.hpp"

#    include <algorithm>
#    include <atomic>
#    include <cmath>
#    include <exception>
#    include <limits>
#    include <stdexcept>
#    include <thread>
#    include <utility>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// A number from low to high, all equally likely.
struct Uniform {
    /// The limits.
    double low, high;
};
/// A number from low to high, > 0, whose logarithms are equally likely: for learning rates and weight decays. (Its last bits are those of the
/// system's exp and log.)
struct LogUniform {
    /// The limits, 0 < low.
    double low, high;
};
/// A whole number, low … high, all equally likely.
struct Integers {
    /// The limits, which are drawn, too.
    Index low, high;
};
/// One of these numbers, all equally likely.
struct Choice {
    /// What is drawn from.
    std::vector<double> numbers;
};
/// One of these texts, all equally likely.
struct TextChoice {
    /// What is drawn from.
    std::vector<std::string> texts;
};

/// An option that is searched, and from where its values are drawn.
struct SearchOption {
    std::string name;
    /// What its values are drawn from.
    std::variant<Uniform, LogUniform, Integers, Choice, TextChoice> values;
};
/// All options that are searched.
using SearchSpace = std::vector<SearchOption>;

/// Options that were drawn, and what came of them.
struct Trial {
    Index number = 0;       ///< from 0, in the order in which they were drawn
    std::uint64_t seed = 0; ///< drawn with them: for the model's initial values and the order of its samples
    double value = 0;       ///< what evaluate returned
    std::string failure{};  ///< why it is none; empty if it is one

    /// The value of an option. Throws std::invalid_argument if there is no such option, or its values are texts.
    CAROUSEL_INLINE double operator[](const std::string& name) const;
    /// The same as a whole number. Throws also if it is none.
    CAROUSEL_INLINE Index integer(const std::string& name) const;
    /// Of a TextChoice. Throws std::invalid_argument if there is no such option, or its values are numbers.
    CAROUSEL_INLINE const std::string& text(const std::string& name) const;

    /// One option and its value.
    struct Drawn {
        std::string name;
        std::variant<double, std::string> value;
    };
    /// In the order of the space.
    std::vector<Drawn> options{};

  private:
    CAROUSEL_INLINE const Drawn& find(const char* where, const std::string& name) const;
};

/// How a search goes.
struct SearchOptions {
    /// Of what is drawn; equal seeds try equal options.
    std::uint64_t seed = 0;
    int threads = 1;       ///< that evaluate trials at the same time
    bool maximize = false; ///< the larger a value, the better it is
};

/// All trials of a search.
struct SearchResult {
    std::vector<Trial> trials; ///< the best first; of equal ones that drawn first
    std::vector<Trial> failed; ///< whose evaluation threw, or returned no finite number, as drawn

    /// Throws std::runtime_error, with the first failure, if there is none.
    CAROUSEL_INLINE const Trial& best() const;
};

/// Random search: Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012. Draws options `trials` times and
/// evaluates each: usually trains a model and returns its loss of validation.
///
///     const SearchSpace space{{"rate", LogUniform{1e-4, 1e-1}}, {"hidden", Choice{{16, 32, 64}}}, {"layers", Integers{1, 3}}};
///     const SearchResult found = search(space, 30, [&](const Trial& trial) {
///         Sequential model{GRU<float>{1, trial.integer("hidden"), {}, {.seed = trial.seed}}, …};
///         return fit(model, data, MeanSquaredError{}, Adam{.learning_rate = trial["rate"]}, {.epochs = 5, …}).best_loss();
///     }, {.threads = 4});
///     found.best()["rate"]
///
/// Trials are drawn before the first is evaluated, so that they are the same for any number of threads; so are the results if evaluate
/// depends on the trial alone. With threads, evaluate is called by several at the same time, each of which runs passes of layers by itself.
/// A trial that throws, or returns NaN or infinity, has failed and ends nothing. (Built without exceptions, a failure ends the
/// program.) If the system refuses a thread, fewer are used.
/// Throws std::invalid_argument if the space is empty, a name is there twice, a range has no number, or trials or threads is below 1.
CAROUSEL_INLINE SearchResult search(const SearchSpace& space, Index trials,
                                    const std::function<double(const Trial&)>& evaluate,
                                    const SearchOptions& options = {});

#ifdef CAROUSEL_BODIES

namespace detail {

CAROUSEL_INLINE void check_space(const SearchSpace& space) {
    const char* const where = "search";
    require(!space.empty(), where, "the space has no options");
    for (auto option = space.begin(); option != space.end(); ++option) {
        const std::string& name = option->name;
        require(std::none_of(space.begin(), option, [&](const SearchOption& o) { return o.name == name; }), where, "\"",
                name, "\" is in the space twice");
        if (const auto* const u = std::get_if<Uniform>(&option->values))
            require(u->low <= u->high && std::isfinite(u->high - u->low), where, "\"", name, "\" is from ", u->low,
                    " to ", u->high, ", expected finite numbers, low <= high");
        if (const auto* const u = std::get_if<LogUniform>(&option->values))
            require(u->low > 0 && u->low <= u->high && std::isfinite(u->high), where, "\"", name, "\" is from ", u->low,
                    " to ", u->high, ", expected finite numbers, 0 < low <= high");
        if (const auto* const i = std::get_if<Integers>(&option->values))
            require(i->low <= i->high && i->low > -power_of_two(53) && i->high < power_of_two(53), where, "\"", name,
                    "\" is from ", i->low, " to ", i->high,
                    ", expected low <= high, and both whole numbers of a double");
        if (const auto* const c = std::get_if<Choice>(&option->values))
            require(!c->numbers.empty(), where, "\"", name, "\" has no numbers to choose from");
        if (const auto* const c = std::get_if<TextChoice>(&option->values))
            require(!c->texts.empty(), where, "\"", name, "\" has no texts to choose from");
    }
}

/// One value of an option.
struct DrawValue {
    using Value = std::variant<double, std::string>;
    Random& random;

    Value operator()(const Uniform& u) const { return random.uniform(u.low, u.high); }
    Value operator()(const LogUniform& u) const {
        const double drawn = std::exp(random.uniform(std::log(u.low), std::log(u.high)));
        return std::clamp(drawn, u.low, u.high);
    }
    Value operator()(const Integers& i) const { return static_cast<double>(i.low + random.below(i.high - i.low + 1)); }
    Value operator()(const Choice& c) const { return c.numbers[pick(c.numbers.size())]; }
    Value operator()(const TextChoice& c) const { return c.texts[pick(c.texts.size())]; }

    std::size_t pick(std::size_t count) const {
        return static_cast<std::size_t>(random.below(static_cast<Index>(count)));
    }
};

CAROUSEL_INLINE void evaluate_trial(Trial& trial, const std::function<double(const Trial&)>& evaluate) {
    const auto error = caught([&] { trial.value = evaluate(std::as_const(trial)); });
    if (!error && std::isfinite(trial.value))
        return;
    trial.failure = error ? what_of(error) : "its value is " + shortest(trial.value);
    if (error)
        trial.value = std::numeric_limits<double>::quiet_NaN();
}

} // namespace detail

CAROUSEL_INLINE const Trial::Drawn& Trial::find(const char* where, const std::string& name) const {
    const auto place = std::find_if(options.begin(), options.end(), [&](const Drawn& d) { return d.name == name; });
    require(place != options.end(), where, "no option is named \"", name, "\"");
    return *place;
}

CAROUSEL_INLINE double Trial::operator[](const std::string& name) const {
    const auto* const drawn = std::get_if<double>(&find("Trial", name).value);
    require(drawn != nullptr, "Trial", "\"", name, "\" is a text, expected a number; ask for text(\"", name, "\")");
    return *drawn;
}

CAROUSEL_INLINE Index Trial::integer(const std::string& name) const {
    const double drawn = (*this)[name];
    require(drawn == std::floor(drawn) && std::abs(drawn) < static_cast<double>(detail::power_of_two(53)),
            "Trial::integer", "\"", name, "\" is ", drawn, ", expected a whole number");
    return static_cast<Index>(drawn);
}

CAROUSEL_INLINE const std::string& Trial::text(const std::string& name) const {
    const auto* const text = std::get_if<std::string>(&find("Trial::text", name).value);
    require(text != nullptr, "Trial::text", "\"", name, "\" is a number, expected a text");
    return *text;
}

CAROUSEL_INLINE const Trial& SearchResult::best() const {
    if (trials.empty())
        detail::fail<std::runtime_error>(
            failed.empty() ? std::string("SearchResult::best: there are no trials")
                           : "SearchResult::best: all " + detail::decimal(static_cast<std::intmax_t>(failed.size())) +
                                 " trials failed, the first: " + failed.front().failure);
    return trials.front();
}

CAROUSEL_INLINE SearchResult search(const SearchSpace& space, Index trials,
                                    const std::function<double(const Trial&)>& evaluate, const SearchOptions& options) {
    detail::check_space(space);
    require(trials >= 1, "search", "trials is ", trials, ", expected trials >= 1");
    require(options.threads >= 1, "search", "threads is ", options.threads, ", expected threads >= 1");
    require(static_cast<bool>(evaluate), "search", "evaluate is empty, expected a function of a Trial");
    Random random(options.seed);
    std::vector<Trial> all(static_cast<std::size_t>(trials));
    for (std::size_t k = 0; k < all.size(); ++k) {
        all[k].number = static_cast<Index>(k);
        all[k].seed = random();
        for (const SearchOption& option : space)
            all[k].options.push_back({option.name, std::visit(detail::DrawValue{random}, option.values)});
    }

    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t k = next++; k < all.size(); k = next++)
            detail::evaluate_trial(all[k], evaluate);
    };
    // What a trial throws is its failure; what is caught here is memory that ran out for its message.
    const auto count = static_cast<std::size_t>(std::min<Index>(options.threads, trials));
    std::vector<std::exception_ptr> errors(count);
    std::vector<std::thread> others;
    others.reserve(count);
    for (std::size_t k = 1; k < count; ++k)
        if (detail::caught([&] { others.emplace_back([&, k] { errors[k] = detail::caught(work); }); }))
            break; // the system gives no more
    errors[0] = detail::caught(work);
    for (std::thread& other : others)
        other.join();
    for (const std::exception_ptr& error : errors)
        if (error)
            std::rethrow_exception(error);

    SearchResult result;
    for (Trial& trial : all)
        (trial.failure.empty() ? result.trials : result.failed).push_back(std::move(trial));
    std::stable_sort(result.trials.begin(), result.trials.end(), [&](const Trial& a, const Trial& b) {
        return options.maximize ? a.value > b.value : a.value < b.value;
    });
    return result;
}

#endif

} // namespace carousel
