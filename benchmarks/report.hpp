// Report: what was measured, as tables to paste, as JSON and as lines of summary.
#pragma once

#include "measure.hpp"
#include "section.hpp"
#include "shapes.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace benchmarks {

/// One peer in one case.
struct Entry {
    std::string peer;
    double seconds; // a pass, or a sample: median
    double best;
    double ratio; // its time over the first peer's: median of those measured side by side
};

struct Case {
    Section section;
    std::string layer;
    Shape shape;
    double flops; // useful ones of a pass; 0: time is what counts
    std::size_t rounds;
    std::vector<Entry> entries;
    char grows = 0; // sweep: which of T, N, I, H

    const Entry* find(const std::string& peer) const {
        for (const Entry& e : entries)
            if (e.peer == peer)
                return &e;
        return nullptr;
    }
    double rate(const Entry& e) const { return flops > 0 ? flops / e.seconds * 1e-9 : e.seconds * 1e9; }
};

/// A line "name key=value …".
struct Line {
    std::string name;
    std::vector<std::pair<std::string, double>> values;
    std::string remark = {};
};

class Report {
  public:
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<Case> cases;
    double fma_peak = 0, best_rate_at_peak = 0; // FLOP/s
    std::size_t samples = 0, disturbed = 0;

    static std::string number(double x) {
        char text[32];
        std::snprintf(text, sizeof text, std::abs(x) < 9.995 ? "%.2f" : std::abs(x) < 99.95 ? "%.1f" : "%.0f", x);
        return text;
    }

    void tables(std::ostream& out) const {
        for (const Section section : {Section::train, Section::infer, Section::stream, Section::narrow, Section::voices,
                                      Section::precision, Section::threads, Section::sweep})
            table(out, section);
    }

    /// Every line the cases at hand allow.
    std::vector<Line> summary() const {
        std::vector<Line> lines;
        const auto versus = [&](const std::string& line, Section section, const std::string& peer,
                                const std::vector<Kind>& of) {
            std::vector<double> ratios;
            for (const Case& c : cases)
                for (const Kind kind : of)
                    if (c.section == section && c.layer == name(kind))
                        if (const Entry* e = c.find(peer))
                            ratios.push_back(e->ratio);
            const std::size_t all = shapes.size() * of.size();
            if (!ratios.empty())
                lines.push_back({line, spread(ratios), of_all(ratios.size(), all)});
        };
        const std::vector<Kind> grus{Kind::gru_after, Kind::gru_before};
        versus("train_vs_onednn", Section::train, "oneDNN", {Kind::lstm});
        versus("train_vs_torch", Section::train, "PyTorch", {Kind::lstm});
        versus("train_vs_plain_eigen", Section::train, "plain Eigen", {Kind::lstm});
        versus("infer_vs_onednn", Section::infer, "oneDNN", {Kind::lstm});
        versus("infer_vs_torch", Section::infer, "PyTorch", {Kind::lstm});
        versus("peephole_train_vs_onednn", Section::train, "oneDNN", {Kind::peephole_lstm});
        versus("gru_train_vs_onednn", Section::train, "oneDNN", grus);
        versus("rnn_train_vs_onednn", Section::train, "oneDNN", {Kind::simple_rnn});
        versus("gru_train_vs_torch", Section::train, "PyTorch", {Kind::gru_after});
        versus("rnn_train_vs_torch", Section::train, "PyTorch", {Kind::simple_rnn});
        versus("peephole_infer_vs_onednn", Section::infer, "oneDNN", {Kind::peephole_lstm});
        versus("gru_infer_vs_onednn", Section::infer, "oneDNN", grus);
        versus("rnn_infer_vs_onednn", Section::infer, "oneDNN", {Kind::simple_rnn});

        stream_lines(lines);
        for (const auto& [line, section] :
             {std::pair{"double_vs_float", Section::precision}, {"two_threads", Section::threads}}) {
            std::vector<double> speeds;
            for (const Case& c : cases)
                if (c.section == section)
                    speeds.push_back(1 / c.entries[1].ratio);
            if (!speeds.empty())
                lines.push_back(
                    {line, spread(speeds), section == Section::threads ? " (true where two CPUs are idle)" : ""});
        }
        if (best_rate_at_peak > 0)
            lines.push_back({"peak_fraction", {{"", best_rate_at_peak / fma_peak}}});
        return lines;
    }

    void json(std::ostream& out) const {
        out << "{\n  \"environment\": {";
        for (std::size_t k = 0; k < environment.size(); ++k)
            out << (k ? ", " : "") << quote(environment[k].first) << ": " << quote(environment[k].second);
        out << "},\n  \"fma_peak_gflops\": " << fma_peak * 1e-9 << ",\n  \"cases\": [";
        for (std::size_t k = 0; k < cases.size(); ++k) {
            const Case& c = cases[k];
            out << (k ? ",\n    {" : "\n    {") << "\"section\": " << quote(name(c.section))
                << ", \"layer\": " << quote(c.layer) << ", \"T\": " << c.shape.steps << ", \"N\": " << c.shape.batch
                << ", \"I\": " << c.shape.input << ", \"H\": " << c.shape.hidden << ", \"flops\": " << c.flops
                << ", \"rounds\": " << c.rounds << ", \"peers\": [";
            for (std::size_t e = 0; e < c.entries.size(); ++e) {
                const Entry& entry = c.entries[e];
                out << (e ? ", " : "") << "{\"name\": " << quote(entry.peer) << ", \"seconds\": " << entry.seconds
                    << ", \"best_seconds\": " << entry.best << ", \"ratio\": " << entry.ratio << "}";
            }
            out << "]}";
        }
        out << "\n  ],\n  \"summary\": {";
        const std::vector<Line> lines = summary();
        for (std::size_t k = 0; k < lines.size(); ++k) {
            out << (k ? ",\n    " : "\n    ") << quote(lines[k].name) << ": ";
            if (lines[k].values.front().first.empty()) {
                out << lines[k].values.front().second;
                continue;
            }
            out << "{";
            for (std::size_t v = 0; v < lines[k].values.size(); ++v)
                out << (v ? ", " : "") << quote(lines[k].values[v].first) << ": " << lines[k].values[v].second;
            out << "}";
        }
        out << "\n  }\n}\n";
    }

  private:
    /// In a case of streams: the quickest library's time over that of a Stream of fixed sizes, where its functions are exact as the
    /// Stream's are, or rational beside FastGates. Nothing if there is no such library.
    static std::optional<double> best_library(const Case& c, bool fast) {
        std::optional<double> best;
        const Entry* const ours = c.find(fast ? "FastGates" : "fixed sizes");
        for (const Entry& e : c.entries)
            if (fast ? e.peer.ends_with("fast tanh") : e.peer.starts_with("RTNeural (") || e.peer == "NAM Core")
                if (ours && e.peer.ends_with("fast tanh") == fast)
                    best = std::min(best.value_or(e.ratio / ours->ratio), e.ratio / ours->ratio);
        return best;
    }

    void stream_lines(std::vector<Line>& lines) const {
        Line fixed{"stream_ns", {}}, run_time{"stream_ns_run_time", {}}, bf16{"stream_bf16", {}},
            int8{"stream_int8", {}};
        std::vector<double> over_fixed, exact, fast;
        for (const Case& c : cases) {
            const std::string hidden = std::to_string(c.shape.hidden);
            if (c.section == Section::narrow) {
                bf16.values.push_back({"h" + hidden, c.find("bfloat16")->ratio});
                int8.values.push_back({"h" + hidden, c.find("int8")->ratio});
            }
            if (c.section == Section::voices && c.shape.hidden == 32)
                lines.push_back({"voices64", {{"", c.entries[1].ratio}}});
            if (c.section != Section::stream)
                continue;
            const std::string key = (c.layer == "GRU" ? "gru" : c.layer == "LSTM" ? "lstm" : "2xlstm") + hidden;
            fixed.values.push_back({key, c.entries[0].seconds * 1e9});
            run_time.values.push_back({key, c.entries[1].seconds * 1e9});
            over_fixed.push_back(c.entries[1].ratio);
            if (const auto best = best_library(c, false))
                exact.push_back(*best);
            if (const auto best = best_library(c, true))
                fast.push_back(*best);
        }
        if (!over_fixed.empty()) {
            const double worst = *std::max_element(over_fixed.begin(), over_fixed.end());
            lines.push_back(fixed);
            lines.push_back(run_time);
            lines.push_back({"stream_run_time_over_fixed", {{"geomean", geometric_mean(over_fixed)}, {"max", worst}}});
        }
        if (!exact.empty())
            lines.push_back({"stream_vs_exact", spread(exact), of_all(exact.size(), over_fixed.size())});
        if (!fast.empty())
            lines.push_back({"stream_vs_fast", spread(fast), of_all(fast.size(), over_fixed.size())});
        for (const Line& line : {bf16, int8})
            if (!line.values.empty())
                lines.push_back({line.name, line.values, " (of float's time)"});
    }

    static std::vector<std::pair<std::string, double>> spread(const std::vector<double>& numbers) {
        return {{"geomean", geometric_mean(numbers)}, {"min", *std::min_element(numbers.begin(), numbers.end())}};
    }
    static std::string of_all(std::size_t measured, std::size_t all) {
        if (measured == all)
            return {};
        return " (" + std::to_string(measured) + " of " + std::to_string(all) + " cases)";
    }

    static std::string quote(const std::string& text) {
        std::string quoted = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\')
                quoted += '\\';
            quoted += c;
        }
        return quoted + '"';
    }

    /// The exponent k of cost ~ sizeᵏ between two neighbours of a sweep.
    static double exponent(double from, double to, double cost_from, double cost_to) {
        return std::log(cost_to / cost_from) / std::log(to / from);
    }

    void table(std::ostream& out, Section section) const {
        std::vector<const Case*> rows;
        std::vector<std::string> peers;
        for (const Case& c : cases)
            if (c.section == section) {
                rows.push_back(&c);
                for (const Entry& e : c.entries) {
                    if (std::find(peers.begin(), peers.end(), e.peer) == peers.end())
                        peers.push_back(e.peer);
                }
            }
        if (rows.empty())
            return;
        const bool sweep = section == Section::sweep;
        out << "\n### " << title(section) << "\n\n| layer | T, N, I, H |";
        for (const std::string& peer : peers)
            out << " " << peer << " |";
        const bool stream = section == Section::stream; // many columns: only the best of each kind is compared
        for (std::size_t p = 1; p < peers.size() && !stream; ++p)
            out << " × " << peers[p] << " |";
        out << (stream ? " × exact | × fast |" : "") << (sweep ? " ms | time ~ | flops ~ |" : "") << "\n|---|---|";
        for (std::size_t p = 0; p < (stream ? peers.size() + 2 : 2 * peers.size() - 1 + (sweep ? 3 : 0)); ++p)
            out << "--:|";
        out << "\n";

        const Case* before = nullptr;
        for (const Case* c : rows) {
            out << "| " << c->layer << " | " << name(c->shape, ", ") << " |";
            for (const std::string& peer : peers) {
                const Entry* e = c->find(peer);
                out << " " << (e ? number(c->rate(*e)) : "–") << " |";
            }
            for (const bool fast : {false, true})
                if (stream)
                    out << " " << (best_library(*c, fast) ? number(*best_library(*c, fast)) : "–") << " |";
            for (std::size_t p = 1; p < peers.size() && !stream; ++p) {
                const Entry* e = c->find(peers[p]);
                out << " " << (e ? number(e->ratio) : "–") << " |";
            }
            if (sweep) {
                out << " " << number(c->entries[0].seconds * 1e3) << " |";
                if (before && before->grows == c->grows) {
                    const double from = value({before->grows, before->shape}), to = value({c->grows, c->shape});
                    for (const auto& [a, b] : {std::pair{before->entries[0].seconds, c->entries[0].seconds},
                                               std::pair{before->flops, c->flops}})
                        out << " " << c->grows << "^" << number(exponent(from, to, a, b)) << " |";
                } else
                    out << " | |";
                before = c;
            }
            out << "\n";
        }
    }
};

} // namespace benchmarks
