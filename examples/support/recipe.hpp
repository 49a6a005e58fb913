// Recipe: which model is trained and how, as data that a preset names and a command line changes. Cell and optimizer
// are types in the library; here they are words, and recurrent_layer() and Rule turn the words into values.
#pragma once

#include "support/program.hpp"

#include <carousel/carousel.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace example {

using carousel::Index;

struct Recipe {
    std::string cell = "lstm";
    Index hidden = 32;
    Index epochs = 20;
    Index batch_size = 32;
    std::string optimizer = "adam";
    double learning_rate = 1e-3;
    double epsilon = 1e-7;
    double weight_decay = 0; ///< AdamW's
    bool anneal = false;     ///< the rate falls along a cosine
    Index warmup = 0;        ///< epochs in which it rises before
    double clip = 0;         ///< of the global norm of the gradients
};

/// An optimizer whose rule is chosen at run time; itself a rule, as anyone can write one. Formulas are Keras' (and
/// DeZero's).
struct Rule {
    using Any = std::variant<carousel::SGD, carousel::RMSprop, carousel::Adam, carousel::AdamW>;
    double learning_rate = 1e-3;
    Any any = carousel::Adam{};

    Rule() = default;
    explicit Rule(const Recipe& recipe) : learning_rate(recipe.learning_rate) {
        using namespace carousel;
        if (recipe.optimizer == "sgd")
            any = SGD{};
        else if (recipe.optimizer == "rmsprop")
            any = RMSprop{.epsilon = recipe.epsilon, .formula = Formula::keras};
        else if (recipe.optimizer == "adamw")
            any = AdamW{.epsilon = recipe.epsilon, .weight_decay = recipe.weight_decay, .formula = Formula::keras};
        else
            any = Adam{.epsilon = recipe.epsilon, .formula = Formula::keras};
    }

    void check() const {
        with_rate([](const auto& rule) { rule.check(); });
    }
    Index moments() const {
        return std::visit([](const auto& rule) { return rule.moments(); }, any);
    }
    struct Step {
        std::variant<carousel::SGD, carousel::RMSprop, carousel::Adam::Step, carousel::AdamW::Step> any;

        template <class S>
        void update(carousel::ParameterValues<S> w, carousel::ParameterGradient<S> g,
                    carousel::ParameterMoments<S> moments) const {
            std::visit([&](const auto& step) { step.update(w, g, moments); }, any);
        }
    };
    Step at(Index t) const {
        Step step;
        with_rate([&](const auto& rule) { step.any = rule.at(t); });
        return step;
    }

  private:
    template <class F>
    void with_rate(F&& f) const {
        std::visit(
            [&](auto rule) {
                rule.learning_rate = learning_rate;
                f(rule);
            },
            any);
    }
};
static_assert(carousel::OptimizerRule<Rule>);

inline carousel::Schedule schedule(const Recipe& recipe) {
    carousel::Schedule after;
    if (recipe.anneal)
        after = carousel::CosineAnnealing{};
    return recipe.warmup > 0 ? carousel::Warmup{.epochs = recipe.warmup, .then = after} : after;
}

/// The recurrent layer that the recipe names.
inline carousel::AnyLayer<float> recurrent_layer(const Recipe& recipe, Index input,
                                                 const carousel::RecurrentOptions& options = {}) {
    using namespace carousel;
    if (recipe.cell == "simple")
        return AnyLayer<float>(SimpleRNN<float>{input, recipe.hidden, {}, options});
    if (recipe.cell == "gru")
        return AnyLayer<float>(GRU<float>{input, recipe.hidden, {}, options});
    return AnyLayer<float>(LSTM<float>{input, recipe.hidden, {.peephole = recipe.cell == "peephole"}, options});
}

/// The options of the command line that change a recipe, and those that every program has.
struct Options {
    std::uint64_t seed = 1;
    std::filesystem::path folder = "out";
    bool no_plots = false;

    std::optional<std::string> cell, optimizer;
    std::optional<Index> hidden, epochs, batch_size;
    std::optional<double> learning_rate, weight_decay, clip;

    /// `defaults`: what --help calls the default of the options that change a recipe.
    void add_to(CLI::App& app, std::vector<std::string> cells, const std::optional<Recipe>& defaults = std::nullopt) {
        const auto shown = [&](CLI::Option* option, auto member) {
            option->group("Model and training");
            if (defaults) {
                std::ostringstream text;
                text << (*defaults).*member;
                option->default_str(text.str());
            }
        };
        const auto count = between(1, 1e6);
        shown(app.add_option("--cell", cell, "Recurrent cell")->check(CLI::IsMember(std::move(cells))), &Recipe::cell);
        shown(app.add_option("--hidden", hidden, "Hidden units")->check(count), &Recipe::hidden);
        shown(app.add_option("--epochs", epochs, "Passes over the training data")->check(count), &Recipe::epochs);
        shown(app.add_option("--batch-size", batch_size, "Samples a step")->check(count), &Recipe::batch_size);
        shown(app.add_option("--optimizer", optimizer, "Update rule")
                  ->check(CLI::IsMember({"sgd", "rmsprop", "adam", "adamw"})),
              &Recipe::optimizer);
        shown(app.add_option("--learning-rate", learning_rate, "Learning rate")->check(between(1e-12, 1e6)),
              &Recipe::learning_rate);
        shown(app.add_option("--weight-decay", weight_decay, "AdamW's")->check(between(0, 1e6)), &Recipe::weight_decay);
        shown(app.add_option("--clip", clip, "Bound of the gradients' global norm; 0: none")->check(between(0, 1e6)),
              &Recipe::clip);
        app.add_option("--seed", seed, "Of everything random: one seed, one result")
            ->check(between(0, 4294967295.0))
            ->capture_default_str();
        app.add_option("--out", folder, "Folder of the CSV files and pictures")->capture_default_str()->group("Output");
        app.add_flag("--no-plots", no_plots, "CSV files only")->group("Output");
    }

    Recipe changed(Recipe recipe) const {
        const auto set = [](auto& value, const auto& given) { value = given.value_or(value); };
        set(recipe.cell, cell);
        set(recipe.optimizer, optimizer);
        set(recipe.hidden, hidden);
        set(recipe.epochs, epochs);
        set(recipe.batch_size, batch_size);
        set(recipe.learning_rate, learning_rate);
        set(recipe.weight_decay, weight_decay);
        set(recipe.clip, clip);
        return recipe;
    }
};

} // namespace example
