// Carousel side by side with oneDNN, PyTorch and a plain Eigen LSTM; sample by sample, with RTNeural, NAM Core and NeuralAudio.
//
//     cmake --workflow --preset benchmark                                 configures, builds, runs (ten minutes)
//     build/benchmark/benchmarks/carousel_benchmark [--quick] [--shape=T,N,I,H]… [--filter=REGEX] [--json=FILE]
//         [--benchmark_…]                                             with --shape every layer on these shapes, and nothing else
//
// How it measures. Google Benchmark registers the cases, picks them by --filter (its own --benchmark_filter) and runs
// them. One case, one iteration of its loop, is one layer on one shape. Every peer computes it once and the results are
// compared, outputs and all gradients; the case fails if one differs. Then rounds: in each, every peer is timed once,
// one after the other, each round starting with another, so that a change in the machine's load or clock meets all of
// them. The tables show the median time of each as useful GFLOP/s, and ratios: the median over rounds of the peer's time
// over Carousel's (above 1: Carousel is faster). After that the results are compared again.
//
// What is the same for all: float32; one thread, on the one CPU the program pins itself to; the same numbers; gradients
// of x, the initial state, W, U, b (and P), zero before; weights packed anew for each training step. For inference
// oneDNN's weights are packed before the clock starts; Carousel packs them in every call.
//
// Useful flops are those of W·x and U·h₋: 2·T·N·G·H·(I + H) with G gates, three times that for training.
#include "harness.hpp"
#include "peers/carousel.hpp"
#include "peers/plain_eigen.hpp"
#ifdef CAROUSEL_BENCHMARK_ONEDNN
#    include "peers/onednn.hpp"
#endif
#ifdef CAROUSEL_BENCHMARK_TORCH
#    include "peers/torch.hpp"
#endif

#include <carousel/carousel.hpp>

#include <cstring>
#include <fstream>
#include <iostream>

namespace benchmarks {
namespace {

struct Named {
    std::string name;
    std::unique_ptr<Peer> peer;
};

Problem make_problem(Kind kind, Shape shape) {
    const auto [T, N, I, H] = shape;
    const Blocks of = blocks(kind);
    const double small = 1 / std::sqrt(H); // PyTorch's range of weights
    carousel::Random random(1);
    const auto numbers = [&](long rows, long columns, double limit) {
        std::vector<float> list(static_cast<std::size_t>(rows * columns));
        for (float& x : list)
            x = static_cast<float>(random.uniform(-limit, limit));
        return list;
    };
    const long columns = static_cast<long>(T) * N;
    return {kind,
            shape,
            numbers(I, columns, 1),
            numbers(H, columns, 1),
            numbers(of.states * H, N, 1),
            numbers(of.matrix * H, I, small),
            numbers(of.matrix * H, H, small),
            numbers(of.bias * H, 1, small),
            numbers(kind == Kind::peephole_lstm ? H : 0, 3, small)};
}

/// Carousel first, then every peer that is installed and has the layer.
std::vector<Named> make_peers(const Problem& problem, bool all) {
    std::vector<Named> peers;
    const auto add = [&](const char* name, std::unique_ptr<Peer> peer) {
        if (peer)
            peers.push_back({name, std::move(peer)});
    };
    add("Carousel", make_carousel(problem));
#ifdef CAROUSEL_BENCHMARK_ONEDNN
    add("oneDNN", std::make_unique<OneDnnPeer>(problem));
#endif
    if (!all)
        return peers;
#ifdef CAROUSEL_BENCHMARK_TORCH
    add("PyTorch", make_torch(problem));
#endif
    if (problem.kind == Kind::lstm)
        add("plain Eigen", std::make_unique<PlainEigenPeer>(problem));
    return peers;
}

/// Every peer's results against the first's; empty if they agree.
std::string compare(const std::vector<Named>& peers, bool train) {
    std::string differences;
    for (std::size_t k = 1; k < peers.size(); ++k) {
        const Peer &ours = *peers[0].peer, &theirs = *peers[k].peer;
        const std::string found =
            train ? difference(ours.trained(), theirs.trained()) : difference("y", ours.inferred(), theirs.inferred());
        if (!found.empty())
            differences += peers[k].name + " and " + peers[0].name + " differ: " + found;
    }
    return differences;
}

void run_peers(benchmark::State& state, const std::vector<Named>& peers, bool train, const Budget& budget,
               const Case& result) {
    std::vector<Runner> runners;
    for (const auto& [name, peer] : peers) {
        Peer* const p = peer.get();
        runners.push_back({name, train ? std::function<void()>([p] { p->train(); }) : [p] { p->infer(); }});
    }
    for (const Runner& runner : runners)
        runner.run();
    std::string differences = compare(peers, train);
    if (!differences.empty())
        return fail(state, "before timing: " + differences);
    for ([[maybe_unused]] auto iteration : state)
        time_and_file(state, runners, budget, result);
    differences = compare(peers, train);
    if (!differences.empty())
        fail(state, "after timing: " + differences);
}

/// The best of a few milliseconds here and there in the run.
void measure_fma_peak() {
    FmaPeak peak;
    const Samples samples = alternate({{"FMA peak", [&] { peak.run(); }}}, {0.1, 10, 100});
    report.fma_peak = std::max(report.fma_peak, FmaPeak::flops / samples.best(0));
}

/// Whether it could be filed.
bool layer_case(benchmark::State& state, Section section, Kind kind, Shape shape, const Budget& budget) {
    const bool train = section != Section::infer;
    const std::size_t before = report.cases.size();
    const Problem problem = make_problem(kind, shape);
    run_peers(state, make_peers(problem, section != Section::sweep), train, budget,
              {section, name(kind), shape, flops(kind, shape, train), 0, {}});
    return report.cases.size() > before;
}

/// A training step whose best rate is compared with what the machine could do at most, just before or after.
void peak_case(benchmark::State& state, const Budget& budget) {
    measure_fma_peak();
    if (layer_case(state, Section::train, Kind::lstm, peak_shape, budget))
        report.best_rate_at_peak = report.cases.back().flops / report.cases.back().entries[0].best;
    measure_fma_peak();
}

void sweep_case(benchmark::State& state, const Sweep& point, const Budget& budget) {
    if (layer_case(state, Section::sweep, Kind::lstm, point.shape, budget))
        report.cases.back().grows = point.size;
}

void precision_case(benchmark::State& state, Shape shape, const Budget& budget) {
    const Problem problem = make_problem(Kind::lstm, shape);
    std::vector<Named> peers;
    peers.push_back({"float", make_carousel<float>(problem)});
    peers.push_back({"double", make_carousel<double>(problem)});
    run_peers(state, peers, true, budget, {Section::precision, "LSTM", shape, flops(Kind::lstm, shape, true), 0, {}});
}

void threads_case(benchmark::State& state, Shape shape, const Budget& budget) {
    const EveryCpu cpus;
    if (cpus.count() < 2)
        return fail(state, "two threads need two CPUs");
    const Problem problem = make_problem(Kind::lstm, shape);
    std::vector<Named> peers;
    std::vector<Runner> runners;
    for (const int n : {1, 2}) {
        peers.push_back({n == 1 ? "one thread" : "two threads", make_carousel(problem)});
        Peer* const p = peers.back().peer.get();
        // The first step of a new thread is spent waiting for a CPU, so it isn't measured.
        runners.push_back({peers.back().name, [p] { p->train(); }, [n, p] { carousel::set_threads(n), p->train(); }});
    }
    for (const Runner& runner : runners) {
        runner.prepare();
        runner.run();
    }
    const std::string differences = compare(peers, true);
    if (!differences.empty())
        return fail(state, differences);
    for ([[maybe_unused]] auto iteration : state)
        time_and_file(state, runners, budget, {Section::threads, "LSTM", shape, flops(Kind::lstm, shape, true), 0, {}});
    carousel::set_threads(1);
}

void register_cases(bool quick, const std::vector<Shape>& given) {
    const Budget main = quick ? Budget{0.5, 3, 51} : Budget{5, 15, 201};
    const Budget other = quick ? Budget{0.15, 3, 51} : Budget{1.5, 9, 101};
    for (const Kind kind : kinds)
        for (const Section section : {Section::train, Section::infer})
            for (const Shape& shape : given.empty() ? std::vector<Shape>(shapes.begin(), shapes.end()) : given) {
                const bool large = flops(kind, shape, true) > 5e9;
                if (quick && given.empty() && kind != Kind::lstm && (large || section == Section::infer))
                    continue;
                const Budget budget = kind == Kind::lstm ? main : other;
                const bool peak = section == Section::train && kind == Kind::lstm && shape == peak_shape;
                add_case(std::string(name(section)) + "/" + name(kind) + "/" + name(shape),
                         [=](benchmark::State& state) {
                             peak ? peak_case(state, budget) : void(layer_case(state, section, kind, shape, budget));
                         });
            }
    if (!given.empty())
        return;
    register_streams(quick);
    if (quick)
        return;
    for (const Shape& shape : shapes)
        add_case("precision/LSTM/" + name(shape),
                 [=](benchmark::State& state) { precision_case(state, shape, other); });
    Budget wall = other;
    wall.wall_only = true;
    for (const Shape& shape : shapes)
        if (shape.batch >= 64)
            add_case("threads/LSTM/" + name(shape), [=](benchmark::State& state) { threads_case(state, shape, wall); });
    for (const Sweep& point : sweeps)
        add_case(std::string("sweep/LSTM/") + point.size + "/" + name(point.shape), [=](benchmark::State& state) {
            sweep_case(state, point, {0.5, 5, 51});
        });
}

/// One line a case while the run goes on; the tables come at its end.
class Progress : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            std::cout << run.run_name.function_name << ": ";
            if (run.error_occurred) {
                std::cout << "FAILED: " << run.error_message << std::endl;
                continue;
            }
            const Case& c = report.cases.back();
            const char* separator = "";
            for (const Entry& e : c.entries) {
                std::cout << separator << e.peer << " " << Report::number(c.rate(e));
                separator = ", ";
            }
            std::cout << (c.flops > 0 ? " GFLOP/s (" : " ns (") << c.rounds << " rounds)" << std::endl;
        }
    }
};

std::string cpu_model() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name"))
            return line.substr(line.find(':') + 2);
    return "unknown";
}

void describe_environment() {
    const auto add = [](const char* what, const std::string& value) { report.environment.push_back({what, value}); };
    std::ostringstream version;
    version << CAROUSEL_VERSION_MAJOR << "." << CAROUSEL_VERSION_MINOR << "." << CAROUSEL_VERSION_PATCH << ", "
#if defined(__clang__)
            << "clang " << __clang_version__
#elif defined(__GNUC__)
            << "GCC " << __VERSION__
#endif
            << ", " << carousel::simd::register_bytes * 8 << "-bit registers, Eigen " << EIGEN_WORLD_VERSION << "."
            << EIGEN_MAJOR_VERSION << "." << EIGEN_MINOR_VERSION;
    add("Carousel", version.str());
#ifdef CAROUSEL_BENCHMARK_ONEDNN
    const dnnl_version_t* const dnnl = dnnl_version();
    add("oneDNN", std::to_string(dnnl->major) + "." + std::to_string(dnnl->minor) + "." + std::to_string(dnnl->patch));
#else
    add("oneDNN", "not installed, left out");
#endif
#ifdef CAROUSEL_BENCHMARK_TORCH
    add("PyTorch", torch_version());
#else
    add("PyTorch", "not installed, left out");
#endif
    add("CPU", cpu_model());
}

/// The tables, the JSON and the lines.
int finish(const std::string& json) {
    measure_fma_peak();
    std::ostringstream peak, disturbed;
    peak << Report::number(report.fma_peak * 1e-9) << " GFLOP/s on one core, measured in this run";
    disturbed << "another process interrupted " << report.disturbed << " of " << report.samples
              << " measurements, which count with their CPU time";
    report.environment.push_back({"FMA peak", peak.str()});
    report.environment.push_back({"Noise", disturbed.str()});

    std::cout << "\n";
    for (const auto& [what, value] : report.environment)
        std::cout << "- " << what << ": " << value << "\n";
    report.tables(std::cout);
    std::cout << "\nMedians of rounds in which all peers take turns; × peer: its time over the first column's.\n\n";
    std::ofstream file(json);
    report.json(file);
    std::cout << (file.flush() ? "The same as JSON: " : "This file can't be written: ") << json << "\n\n";
    for (const Line& line : report.summary()) {
        std::cout << line.name;
        for (const auto& [key, value] : line.values)
            std::cout << (key.empty() ? "=" : " " + key + "=") << Report::number(value);
        std::cout << line.remark << "\n";
    }
    if (failed)
        std::cout << "\nFAILED: results differ, see above\n";
    return failed || !file;
}

} // namespace
} // namespace benchmarks

int main(int argc, char** argv) {
    using namespace benchmarks;
    restart_on_one_cpu(argv);
    keep_freed_memory();
    bool quick = false;
    std::vector<Shape> given;
    std::string json = "benchmark.json";
    std::vector<std::string> arguments; // what is Google Benchmark's
    for (int k = 0; k < argc; ++k) {
        const std::string argument = argv[k];
        if (argument == "--quick")
            quick = true;
        else if (argument.starts_with("--shape=")) {
            const std::optional<Shape> shape = read_shape(argument.substr(std::strlen("--shape=")));
            if (!shape) {
                std::cerr
                    << argument
                    << ": expected four positive numbers, as --shape=50,32,64,1024: steps, batch, input, hidden\n";
                return 2;
            }
            given.push_back(*shape);
        } else if (argument.starts_with("--json="))
            json = argument.substr(std::strlen("--json="));
        else
            arguments.push_back(argument.starts_with("--filter=") ? "--benchmark_" + argument.substr(2) : argument);
    }
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    int count = static_cast<int>(pointers.size());
    benchmark::Initialize(&count, pointers.data());
    if (benchmark::ReportUnrecognizedArguments(count, pointers.data()))
        return 2;

    register_cases(quick, given);
    describe_environment();
    Progress progress;
    if (benchmark::RunSpecifiedBenchmarks(&progress) == 0 || report.samples + failed == 0)
        return 0; // nothing matched, or only a list was asked for
    return finish(json);
}
