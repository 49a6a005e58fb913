// What the cases of carousel_benchmark have in common: the report they file into, and how they are timed.
#pragma once

#include "measure.hpp"
#include "report.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

namespace benchmarks {

inline Report report;
inline bool failed = false;

inline void fail(benchmark::State& state, const std::string& message) {
    failed = true;
    state.SkipWithError(message.c_str());
}

/// Times the runners and files the result; `per_call`: how many passes or samples one call is.
inline void time_and_file(benchmark::State& state, const std::vector<Runner>& runners, const Budget& budget,
                          Case result, double per_call = 1) {
    const Samples samples = alternate(runners, budget);
    result.rounds = samples.rounds();
    for (std::size_t k = 0; k < runners.size(); ++k) {
        result.entries.push_back(
            {runners[k].name, samples.typical(k) / per_call, samples.best(k) / per_call, samples.ratio(k)});
        state.counters[runners[k].name + (result.flops > 0 ? " GFLOP/s" : " ns")] = result.rate(result.entries.back());
    }
    state.SetIterationTime(samples.typical(0) / per_call);
    report.samples += samples.rounds() * runners.size();
    report.disturbed += static_cast<std::size_t>(samples.disturbed);
    report.cases.push_back(std::move(result));
}

template <class Run>
void add_case(const std::string& name, Run run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->Iterations(1)->UseManualTime();
}

/// Streams beside the libraries that run nets sample by sample; narrow weights; Voices.
void register_streams(bool quick);

} // namespace benchmarks
