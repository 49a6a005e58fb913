// StepChoice: which function takes a step of a column.
#pragma once

#include "carousel/core/instruction_set.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// Where sizes are `fixed` at compile time, a Column's, which is inlined and of the instruction set of this file; else that of a
/// table of Functions. With carousel::compiled (`in_library`) it is the table's also for fixed sizes, if that is of a wider
/// instruction set: wider registers are worth more than inlining.
template <class Column, class Functions, bool fixed, bool in_library>
class StepChoice {
  public:
    /// Table::find() gives the table; it is compiled only where it may be asked for.
    template <class Table>
    explicit StepChoice(Table) {
        if constexpr (!fixed)
            functions_ = &Table::find();
        else if constexpr (in_library)
            functions_ = instruction_set() > detail::instruction_set_here ? &Table::find() : nullptr;
    }

    /// here(Column of this memory) or there(table); what isn't called is to be a template, so that it isn't compiled.
    template <class Memory, class Here, class There>
    [[gnu::always_inline]] decltype(auto) operator()(Memory& memory, Here&& here, There&& there) const {
        if constexpr (fixed && !in_library)
            return here(Column(memory));
        else if constexpr (fixed)
            return functions_ ? there(*functions_) : here(Column(memory));
        else
            return there(*functions_);
    }

  private:
    const Functions* functions_ = nullptr;
};

} // namespace carousel::stream
