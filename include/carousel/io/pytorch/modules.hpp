// TorchModules: named tensors put together to what one layer takes: a level of an nn.LSTM, an nn.Linear ….
#pragma once

#include "carousel/io/pytorch/state_dict.hpp"
#include "carousel/io/safetensors_header.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// `matrix` is an nn.Linear or, without a bias, maybe an nn.Embedding.
enum class TorchKind { recurrent, matrix, convolution, batch_norm, layer_norm, prelu, other };

/// The tensors of one module; of an nn.LSTM, nn.GRU or nn.RNN those of one of its levels, weight_ih_l0 … being level 0.
struct TorchUnit {
    struct Direction {
        const NamedTensor *W = nullptr, *U = nullptr, *b = nullptr, *b_recurrent = nullptr;
    };

    std::string module; // "encoder.rnn"; "" where the tensors are of one module, not of one that holds others
    Index level = 0;
    TorchKind kind = TorchKind::other;
    std::vector<const NamedTensor*> tensors;                // all of them
    std::array<Direction, 2> directions = {};               // of a recurrent one: forward, reverse
    const NamedTensor *weight = nullptr, *bias = nullptr;   // of another
    const NamedTensor *mean = nullptr, *variance = nullptr; // of an nn.BatchNorm1d
    Index gates = 0, input = 0, output = 0, kernel = 0;     // output: H of a recurrent one, of one direction

    bool bidirectional() const { return directions[1].W != nullptr; }
    bool has_bias() const { return kind == TorchKind::recurrent ? directions[0].b != nullptr : bias != nullptr; }
};

/// The class of a recurrent module with so many gates.
inline const char* recurrent_class(Index gates) {
    return gates == 4 ? "LSTM" : gates == 3 ? "GRU" : "RNN";
}

/// A module with one weight for each feature alone: an nn.RMSNorm, which can't be had here, has the same.
inline std::string prelu_text(const TorchUnit& unit) {
    const std::string size = "(" + std::to_string(unit.output) + ")";
    return "PReLU" + size + (unit.output > 1 ? " or RMSNorm" + size : "");
}

/// An nn.GroupNorm, which can't be had here, has the same tensors.
inline std::string layer_norm_text(const TorchUnit& unit) {
    return "LayerNorm(" + std::to_string(unit.output) + ") or GroupNorm(?, " + std::to_string(unit.output) + ")";
}

/// As a message shows it: "rnn" LSTM(3, 16).
inline std::string unit_text(const TorchUnit& unit) {
    std::string text = "\"" + shown(unit.module) + "\" ";
    const std::string sizes = "(" + std::to_string(unit.input) + ", " + std::to_string(unit.output);
    switch (unit.kind) {
    case TorchKind::recurrent:
        return text + recurrent_class(unit.gates) + sizes + (unit.bidirectional() ? ", bidirectional=True)" : ")") +
               (unit.level > 0 ? " level " + std::to_string(unit.level) : "");
    case TorchKind::matrix:
        return text + (unit.bias ? "Linear" + sizes + ")"
                                 : "Linear" + sizes + ", bias=False) or Embedding(" + std::to_string(unit.output) +
                                       ", " + std::to_string(unit.input) + ")");
    case TorchKind::convolution:
        return text + "Conv1d" + sizes + ", " + std::to_string(unit.kernel) + ")";
    case TorchKind::batch_norm:
        return text + "BatchNorm1d(" + std::to_string(unit.output) + ")";
    case TorchKind::layer_norm:
        return text + layer_norm_text(unit);
    case TorchKind::prelu:
        return text + prelu_text(unit);
    case TorchKind::other:
        break;
    }
    return text + "with \"" + shown(unit.tensors[0]->name) + "\" of " + shape_text(unit.tensors[0]->shape);
}

class TorchModules {
  public:
    /// `tensors` live as long as this. Throws if the tensors of a recurrent module don't fit each other.
    TorchModules(const std::vector<NamedTensor>& tensors, const Input& input) : input_(input) {
        std::map<std::pair<std::string, Index>, std::size_t> places;
        for (const NamedTensor& tensor : tensors) {
            const std::size_t dot = tensor.name.rfind('.');
            const std::string module = dot == std::string::npos ? "" : tensor.name.substr(0, dot);
            const std::string leaf = dot == std::string::npos ? tensor.name : tensor.name.substr(dot + 1);
            const auto part = recurrent_part(tensor, leaf);
            const auto [place, added] = places.emplace(std::pair(module, part ? part->level : -1), units_.size());
            if (added) {
                units_.emplace_back();
                units_.back().module = module;
                units_.back().level = part ? part->level : 0;
                units_.back().kind = part ? TorchKind::recurrent : TorchKind::other;
            }
            TorchUnit& unit = units_[place->second];
            unit.tensors.push_back(&tensor);
            if (part)
                unit.directions[part->reverse ? 1 : 0].*(part->tensor) = &tensor;
            else if (leaf == "weight" || leaf == "bias" || leaf == "running_mean" || leaf == "running_var")
                (leaf == "weight"         ? unit.weight
                 : leaf == "bias"         ? unit.bias
                 : leaf == "running_mean" ? unit.mean
                                          : unit.variance) = &tensor;
            else if (leaf != "num_batches_tracked")
                unknown_.push_back(place->second);
        }
        for (TorchUnit& unit : units_)
            if (unit.kind == TorchKind::recurrent)
                measure_recurrent(unit);
            else
                measure(unit);
        for (const std::size_t k : unknown_)
            units_[k].kind = TorchKind::other;
    }

    /// In the order of their first tensors.
    const std::vector<TorchUnit>& units() const { return units_; }

  private:
    struct Part {
        const NamedTensor* TorchUnit::Direction::*tensor;
        Index level;
        bool reverse;
    };

    /// What "weight_ih_l0_reverse" says; an nn.LSTMCell has "weight_ih".
    std::optional<Part> recurrent_part(const NamedTensor& tensor, std::string_view leaf) const {
        using Direction = TorchUnit::Direction;
        static constexpr std::pair<std::string_view, const NamedTensor * Direction::*> starts[] = {
            {"weight_ih", &Direction::W},
            {"weight_hh", &Direction::U},
            {"bias_ih", &Direction::b},
            {"bias_hh", &Direction::b_recurrent}};
        input_.check(!leaf.starts_with("weight_hr_l"), "\"", shown(tensor.name),
                     "\" belongs to an nn.LSTM with proj_size, which projects h; there is no such layer here");
        for (const auto& [start, part] : starts) {
            if (!leaf.starts_with(start))
                continue;
            std::string_view rest = leaf.substr(start.size());
            if (rest.empty())
                return Part{part, 0, false};
            const bool reverse = rest.ends_with("_reverse");
            if (reverse)
                rest.remove_suffix(8);
            if (!rest.starts_with("_l"))
                return std::nullopt;
            rest.remove_prefix(2);
            Index level = 0;
            for (const char c : rest) {
                if (c < '0' || c > '9' || level > 9999)
                    return std::nullopt;
                level = 10 * level + (c - '0');
            }
            return rest.empty() ? std::nullopt : std::optional(Part{part, level, reverse});
        }
        return std::nullopt;
    }

    void measure_recurrent(TorchUnit& unit) const {
        const std::string what = "\"" + shown(unit.module) + "\" ";
        for (const auto& [W, U, b, b_recurrent] : unit.directions) {
            const bool first = &W == &unit.directions[0].W;
            if (!first && !W && !U && !b && !b_recurrent)
                break;
            input_.check(W && U && !b == !b_recurrent, what, "lacks a part of weight_ih, weight_hh, bias_ih, bias_hh",
                         first ? "" : " of its reverse direction", " (of level ", unit.level, ")");
            input_.check(W->shape.size() == 2 && U->shape.size() == 2 && W->shape[0] == U->shape[0], "\"",
                         shown(W->name), "\" is ", shape_text(W->shape), " and \"", shown(U->name), "\" is ",
                         shape_text(U->shape), ", expected matrices of as many rows");
            const Index rows = U->shape[0], hidden = U->shape[1], gates = hidden > 0 ? rows / hidden : 0;
            input_.check(W->shape[1] > 0 && (gates == 4 || gates == 3 || gates == 1) && rows % hidden == 0, "\"",
                         shown(U->name), "\" is ", shape_text(U->shape),
                         ", expected 4, 3 or 1 times as many rows (of an LSTM, GRU or RNN) as columns");
            for (const NamedTensor* const bias : {b, b_recurrent})
                input_.check(!bias || bias->shape == std::vector<Index>{rows}, "\"", bias ? shown(bias->name) : "",
                             "\" is ", bias ? shape_text(bias->shape) : "", ", expected ", rows);
            input_.check(first || (gates == unit.gates && hidden == unit.output && W->shape[1] == unit.input &&
                                   !b == !unit.directions[0].b),
                         "\"", shown(W->name), "\" is ", shape_text(W->shape),
                         ", which differs from the forward direction's");
            unit.gates = gates, unit.input = W->shape[1], unit.output = hidden;
        }
    }

    /// What has other shapes than any of the kinds stays of kind `other`.
    static void measure(TorchUnit& unit) {
        if (!unit.weight)
            return;
        const auto& shape = unit.weight->shape;
        for (const Index n : shape)
            if (n < 1)
                return;
        const auto vector = [&](const NamedTensor* tensor) {
            return tensor && tensor->shape == std::vector<Index>{shape[0]};
        };
        if (shape.empty() || (unit.bias && !vector(unit.bias)) || !unit.mean != !unit.variance)
            return;
        if (unit.mean) {
            if (shape.size() != 1 || !vector(unit.mean) || !vector(unit.variance) || !unit.bias)
                return;
            unit.kind = TorchKind::batch_norm;
            unit.input = unit.output = shape[0];
        } else if (shape.size() == 1) {
            unit.kind = unit.bias ? TorchKind::layer_norm : TorchKind::prelu;
            unit.input = unit.output = shape[0];
        } else if (shape.size() == 2 || shape.size() == 3) {
            unit.kind = shape.size() == 2 ? TorchKind::matrix : TorchKind::convolution;
            unit.output = shape[0], unit.input = shape[1];
            unit.kernel = shape.size() == 3 ? shape[2] : 0;
        }
    }

    const Input& input_;
    std::vector<TorchUnit> units_;
    std::vector<std::size_t> unknown_;
};

} // namespace carousel::detail
