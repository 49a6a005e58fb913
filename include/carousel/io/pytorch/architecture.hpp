// TorchArchitecture: the line that says which modules of PyTorch a model runs through, parsed.
#pragma once

#include "carousel/core/leading_number.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/io/pytorch/modules.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A step of the line: rnn: LSTM(3, 16, num_layers=2).
struct TorchStep {
    using Value = std::variant<double, bool, std::string>;

    std::size_t at = 0;                  // its first character
    std::optional<std::string> module;   // "rnn"
    std::string type;                    // in small letters: "lstm"
    std::string written;                 // as it stands there, without the module: "LSTM(3, 16, num_layers=2)"
    std::map<std::string, Value> values; // by PyTorch's names of the arguments
    std::vector<TorchStep> inner;        // of a residual
};

/// What a class of PyTorch is called in the line, and the names of its arguments in their order.
struct TorchClass {
    std::string_view type;
    std::array<std::string_view, 8> arguments = {}; // those it hasn't are empty
};

inline constexpr std::array<TorchClass, 25> torch_classes{{
    {"lstm",
     {"input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"}},
    {"gru", {"input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"}},
    {"rnn",
     {"input_size", "hidden_size", "num_layers", "nonlinearity", "bias", "batch_first", "dropout", "bidirectional"}},
    {"linear", {"in_features", "out_features", "bias"}},
    {"embedding", {"num_embeddings", "embedding_dim", "padding_idx"}},
    {"conv1d", {"in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias"}},
    {"batchnorm1d", {"num_features", "eps", "momentum", "affine", "track_running_stats"}},
    {"layernorm", {"normalized_shape", "eps", "elementwise_affine", "bias"}},
    {"prelu", {"num_parameters", "init"}},
    {"relu", {"inplace"}},
    {"relu6", {"inplace"}},
    {"tanh", {}},
    {"sigmoid", {}},
    {"hardsigmoid", {"inplace"}},
    {"hardtanh", {}},
    {"softsign", {}},
    {"softplus", {}},
    {"leakyrelu", {"negative_slope", "inplace"}},
    {"elu", {"alpha", "inplace"}},
    {"softmax", {"dim"}},
    {"dropout", {"p", "inplace"}},
    {"identity", {}},
    {"last", {}},
    {"both_ends", {}},
    {"residual", {}},
}};

/// Parses
///
///     steps: step {"," step}
///     step:  [module ":"] type ["(" arguments ")"]
///
/// where the type is a class of PyTorch, in large or small letters, with or without "nn." before it; arguments are those
/// of its constructor, in their order or as name=value; those of `residual` are steps.
class TorchArchitecture {
  public:
    /// Throws std::runtime_error "where: source: the architecture: character n: …" if the line isn't so.
    TorchArchitecture(std::string_view line, const Input& input) : line_(line), input_(input) {
        check(line.size() <= 100'000, "the line is longer than 100000 characters");
        steps_ = steps(0);
        check(at_ == line_.size(), "\"", line_.substr(at_, 1), "\" is not expected here");
    }

    const std::vector<TorchStep>& steps() const { return steps_; }

    /// Whether it may stand in the name of a module.
    static bool is_name(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    }

  private:
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, "the architecture: character ", at_ + 1, ": ", parts...);
    }

    void skip_space() {
        while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t' || line_[at_] == '\n'))
            ++at_;
    }
    bool take(char c) {
        skip_space();
        if (at_ == line_.size() || line_[at_] != c)
            return false;
        ++at_;
        skip_space();
        return true;
    }
    std::string_view name() {
        skip_space();
        const std::size_t first = at_;
        while (at_ < line_.size() && is_name(line_[at_]))
            ++at_;
        return line_.substr(first, at_ - first);
    }
    static std::string small(std::string_view text) {
        std::string result(text);
        for (char& c : result)
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        return result;
    }

    std::vector<TorchStep> steps(int depth) {
        constexpr int most_levels = 16;
        check(depth < most_levels, "residuals are nested too deeply");
        std::vector<TorchStep> result;
        do
            result.push_back(step(depth));
        while (take(','));
        return result;
    }

    TorchStep step(int depth) {
        TorchStep result;
        skip_space();
        std::size_t first = result.at = at_;
        std::string_view word = name();
        if (take(':')) {
            result.module = std::string(word);
            first = at_;
            word = name();
        }
        result.type = small(word);
        for (const std::string_view prefix : {"torch.", "nn."})
            if (result.type.starts_with(prefix))
                result.type.erase(0, prefix.size());
        const TorchClass* known = nullptr;
        for (const TorchClass& one : torch_classes)
            if (one.type == result.type)
                known = &one;
        if (!known) {
            at_ = first;
            check(!word.empty(), "a step is expected here, as LSTM(1, 32)");
            check(false, "\"", shown(word), "\" is no step that is known; these are: ", list());
        }
        if (take('(')) {
            if (result.type == "residual")
                result.inner = steps(depth + 1);
            else if (!take(')')) {
                arguments(*known, result);
                check(take(')'), "\")\" or \",\" is expected here");
            }
            if (result.type == "residual")
                check(take(')'), "\")\" or \",\" is expected here");
        }
        check(result.type != "residual" || !result.inner.empty(), "residual needs steps: residual(LSTM, Linear)");
        std::size_t end = at_;
        while (end > first && (line_[end - 1] == ' ' || line_[end - 1] == '\t' || line_[end - 1] == '\n'))
            --end;
        result.written = std::string(line_.substr(first, end - first));
        return result;
    }

    void arguments(const TorchClass& known, TorchStep& step) {
        bool named = false;
        for (std::size_t k = 0;; ++k) {
            skip_space();
            const std::size_t first = at_;
            std::string key(name());
            if (take('=')) {
                named = true;
                bool found = false;
                for (const std::string_view argument : known.arguments)
                    found = found || (argument == key && !key.empty());
                if (!found)
                    at_ = first;
                check(found, known.type, " has no argument \"", shown(key), "\"");
            } else {
                at_ = first;
                check(!named, "an argument without a name follows one with a name");
                check(k < known.arguments.size() && !known.arguments[k].empty(), known.type, " has no more than ", k,
                      " arguments");
                key = std::string(known.arguments[k]);
            }
            const bool added = step.values.emplace(key, value()).second;
            check(added, "\"", key, "\" is given twice");
            if (!take(','))
                return;
        }
    }

    TorchStep::Value value() {
        skip_space();
        if (at_ < line_.size() && (line_[at_] == '\'' || line_[at_] == '"')) {
            const std::size_t end = line_.find(line_[at_], at_ + 1);
            check(end != line_.npos, "the text that begins here doesn't end");
            const std::string text(line_.substr(at_ + 1, end - at_ - 1));
            at_ = end + 1;
            return text;
        }
        if (const auto [number, length] = leading_number(line_.substr(at_)); length > 0) {
            at_ += length;
            return number;
        }
        const std::size_t first = at_;
        const std::string word = small(name());
        if (word == "true" || word == "false")
            return word == "true";
        if (word.empty())
            at_ = first;
        check(!word.empty(), "a value is expected here: a number, True, False or a word");
        return word;
    }

    static std::string list() {
        std::string text;
        for (const TorchClass& one : torch_classes)
            text += (text.empty() ? "" : ", ") + std::string(one.type);
        return text;
    }

    std::string_view line_;
    const Input& input_;
    std::size_t at_ = 0;
    std::vector<TorchStep> steps_;
};

} // namespace carousel::detail
