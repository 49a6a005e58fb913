// ctc_greedy: the labels that a net trained with CTCLoss says.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"

#include <algorithm>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Best path decoding (Graves et al., ICML 2006): at each real step the largest output, of equal ones the first, read without
/// repetitions and then without blanks; the labels of each sequence. y: classes × steps × batch, logits or probabilities. Throws
/// std::invalid_argument unless blank is a feature of y.
template <std::floating_point S>
std::vector<std::vector<Index>> ctc_greedy(SequenceView<S> y, AnyIndex blank = 0) {
    const Index none = blank;
    require(none >= 0 && none < y.features(), "ctc_greedy", "blank is ", none,
            ", expected a feature of the outputs, 0 … ", y.features() - 1);
    std::vector<std::vector<Index>> result(static_cast<std::size_t>(y.batch()));
    for (Index b = 0; b < y.batch(); ++b) {
        Index before = none;
        for (Index t = 0; t < y.length(b); ++t) {
            const S* const outputs = y.data() + (t * y.batch() + b) * y.features();
            const Index label = std::max_element(outputs, outputs + y.features()) - outputs;
            if (label != none && label != before)
                result[static_cast<std::size_t>(b)].push_back(label);
            before = label;
        }
    }
    return result;
}

template <std::floating_point S>
std::vector<std::vector<Index>> ctc_greedy(const Sequence<S>& y, AnyIndex blank = 0) {
    return ctc_greedy(y.view(), blank);
}

} // namespace carousel
