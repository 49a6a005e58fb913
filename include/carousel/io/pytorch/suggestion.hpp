// What a file's modules alone say of the architecture line.
#pragma once

#include "carousel/io/pytorch/modules.hpp"

#include <map>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The step of a module that has weights, without its name: LSTM(3, 16, num_layers=2).
inline std::string suggested_step(const TorchUnit& unit, Index levels) {
    const std::string sizes = "(" + std::to_string(unit.input) + ", " + std::to_string(unit.output);
    switch (unit.kind) {
    case TorchKind::recurrent:
        return recurrent_class(unit.gates) + sizes + (levels > 1 ? ", num_layers=" + std::to_string(levels) : "") +
               (unit.bidirectional() ? ", bidirectional=True)" : ")");
    case TorchKind::matrix:
        return unit.bias ? "Linear" + sizes + ")"
                         : "Embedding(" + std::to_string(unit.output) + ", " + std::to_string(unit.input) + ")";
    case TorchKind::convolution:
        return "Conv1d" + sizes + ", " + std::to_string(unit.kernel) + ")";
    case TorchKind::batch_norm:
        return "BatchNorm1d(" + std::to_string(unit.output) + ")";
    case TorchKind::layer_norm:
        return layer_norm_text(unit);
    case TorchKind::prelu:
        return prelu_text(unit); // which of the two the line must say
    case TorchKind::other:
        break;
    }
    return "?";
}

/// The modules in the file's order, each with its name, those without weights, of which the file doesn't say more, as
/// "?". What is done between and after them is missing.
inline std::string suggested_architecture(const TorchModules& modules, const StateDict& file) {
    constexpr int most = 50;
    std::map<std::string_view, Index> levels; // of recurrent ones; 0 of others
    std::map<std::string_view, const TorchUnit*> units;
    for (const TorchUnit& unit : modules.units()) {
        levels[unit.module] += unit.kind == TorchKind::recurrent;
        units.emplace(unit.module, &unit);
    }
    std::string line;
    int count = 0;
    const auto add = [&](std::string_view module, const std::string& step) {
        if (++count <= most)
            line += (count > 1 ? ", " : "") + (module.empty() ? "" : shown(module) + ": ") + step;
    };
    // The file's list of modules has each before those in it.
    for (std::size_t k = 0; k < file.modules.size() && count < most; ++k) {
        const std::string& module = file.modules[k];
        const bool holds_others =
            k + 1 < file.modules.size() && (module.empty() || file.modules[k + 1].starts_with(module + "."));
        if (const auto unit = units.find(module); unit != units.end())
            add(module, suggested_step(*unit->second, levels[module]));
        else if (!holds_others)
            add(module, "?");
    }
    if (count == 0)
        for (const TorchUnit& unit : modules.units())
            if (unit.level == 0)
                add(unit.module, suggested_step(unit, levels[unit.module]));
    return line + (count > most ? ", ..." : "");
}

} // namespace carousel::detail
