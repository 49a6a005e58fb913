// Streams, one sample a call, beside other libraries: those that compute exp and tanh to float's precision beside exact gates, those with
// a rational tanh of 4e-4 beside FastGates (2e-6). All have the same weights, and the outputs are compared first.
#include "peers/streams.hpp"
#include "harness.hpp"
#include "peers/peer.hpp"
#include "plain_eigen_lstm.hpp"
#include "voices.hpp"

#include <carousel/carousel.hpp>

#include <memory>
#include <type_traits>

namespace benchmarks {
namespace {

using carousel::Dense, carousel::Dynamic, carousel::GRU, carousel::Index, carousel::LSTM, carousel::Sequential,
    carousel::Stream;

constexpr std::size_t count = 256; ///< samples a call of a runner

std::vector<float> numbers(const carousel::Parameter<float>& parameter) {
    return {parameter.value.data(), parameter.value.data() + parameter.value.size()};
}

template <std::size_t k, class Model>
StreamNet::Layer layer_weights(const Model& model) {
    const auto& layer = model.template layer<k>();
    return {numbers(layer.W()), numbers(layer.U()), numbers(layer.b())};
}

template <class To, class From>
To with_weights_of(const From& from, To to) {
    const auto source = carousel::parameters(from);
    const auto target = carousel::parameters(to);
    for (std::size_t k = 0; k < source.size(); ++k)
        target[k].parameter->value = source[k].parameter->value;
    return to;
}

/// The plain Eigen LSTM and a dense layer, sample by sample.
class PlainStream {
  public:
    explicit PlainStream(const StreamNet& net)
        : lstm_(1, net.hidden), w_(Eigen::Map<const Eigen::VectorXf>(net.dense_W.data(), net.hidden)),
          b_(net.dense_b[0]), h_(Eigen::MatrixXf::Zero(net.hidden, 1)), c_(h_), x_(1, 1) {
        const Index rows = 4 * net.hidden;
        lstm_.W = Eigen::Map<const Eigen::MatrixXf>(net.layers[0].W.data(), rows, 1);
        lstm_.U = Eigen::Map<const Eigen::MatrixXf>(net.layers[0].U.data(), rows, net.hidden);
        lstm_.b = Eigen::Map<const Eigen::VectorXf>(net.layers[0].b.data(), rows);
    }

    float operator()(float x) {
        x_(0, 0) = x;
        h_ = lstm_.forward(x_, h_, c_);
        c_ = lstm_.c().col(1);
        return w_.dot(h_.col(0)) + b_;
    }

  private:
    PlainEigenLstm lstm_;
    Eigen::VectorXf w_;
    float b_;
    Eigen::MatrixXf h_, c_, x_;
};

/// The runners of a case, each checked against the first's outputs when it is added.
class StreamRunners {
  public:
    explicit StreamRunners(std::size_t samples) : x_(samples), expected_(samples) {
        carousel::Random random(1);
        for (float& sample : x_)
            sample = static_cast<float>(random.uniform(-1, 1));
    }

    /// run(x, y, count); a Stream or whatever else gives an output for a sample is called once for each.
    template <class Run>
    void add(const std::string& name, Run run, double tolerance) {
        auto y = std::make_shared<std::vector<float>>(x_.size());
        auto block = [run](const float* x, float* to, std::size_t samples) mutable {
            if constexpr (std::is_invocable_v<Run&, const float*, float*, std::size_t>)
                run(x, to, samples);
            else
                for (std::size_t t = 0; t < samples; ++t)
                    to[t] = run(x[t]);
        };
        runners.push_back({name, [x = x_, y, block]() mutable { block(x.data(), y->data(), x.size()); }});
        runners.back().run();
        if (runners.size() == 1)
            expected_ = *y;
        else if (const std::string found = difference("y", expected_, *y, tolerance); !found.empty())
            differences += name + " and " + runners[0].name + " differ: " + found;
    }

    std::vector<Runner> runners;
    std::string differences;

  private:
    std::vector<float> x_, expected_;
};

constexpr double exact = 2e-5, fast = 2e-4, rational = .05,
                 narrow = .1; ///< how far outputs may be apart, of the largest

void finish(benchmark::State& state, const StreamRunners& all, const char* layer, const StreamNet& net,
            const Budget& budget) {
    if (!all.differences.empty())
        return fail(state, all.differences);
    const std::string name = (net.layers.size() == 2 ? "2 × " : "") + std::string(layer);
    for ([[maybe_unused]] auto iteration : state)
        time_and_file(state, all.runners, budget, {Section::stream, name, {1, 1, 1, net.hidden}, 0, 0, {}}, count);
}

/// `fixed`: a net whose sizes are known at compile time; `run_time`: the same with sizes given at run time.
template <class Fixed, class RunTime>
void stream_case(benchmark::State& state, const char* layer, const Fixed& fixed, const RunTime& run_time,
                 const StreamNet& net, const Budget& budget) {
    StreamRunners all(count);
    all.add("fixed sizes", Stream{fixed}, exact);
    all.add("run-time sizes", Stream{run_time}, exact);
    all.add("FastGates", Stream{fixed, carousel::fast_gates}, fast);
    all.add("FastGates, run-time", Stream{run_time, carousel::fast_gates}, fast);
    if (!net.gru && net.layers.size() == 1)
        all.add("plain Eigen", PlainStream(net), exact);
    for (const StreamPeer& peer : stream_peers(net))
        all.add(peer.name, peer.run, peer.fast ? rational : exact);
    finish(state, all, layer, net, budget);
}

template <class Fixed, class RunTime>
void add_one(const char* layer, const Fixed& fixed, const RunTime& empty, const Budget& budget) {
    const RunTime run_time = with_weights_of(fixed, empty);
    const auto& first = run_time.template layer<0>();
    const StreamNet net{first.name() == "GRU",
                        static_cast<int>(first.hidden_size()),
                        {layer_weights<0>(run_time)},
                        numbers(run_time.template layer<1>().W()),
                        numbers(run_time.template layer<1>().b())};
    add_case(std::string("stream/") + layer + "/" + std::to_string(net.hidden),
             [=](benchmark::State& state) { stream_case(state, layer, fixed, run_time, net, budget); });
}

template <Index... H>
void add_lstms(const Budget& budget) {
    (add_one("LSTM", Sequential{LSTM<float, 1, H>{}, Dense<float, H, 1>{}},
             Sequential{LSTM<float>{1, H}, Dense<float>{H, 1}}, budget),
     ...);
}
template <Index... H>
void add_grus(const Budget& budget) {
    (add_one("GRU", Sequential{GRU<float, 1, H>{}, Dense<float, H, 1>{}},
             Sequential{GRU<float>{1, H}, Dense<float>{H, 1}}, budget),
     ...);
}
template <Index H>
void add_two(const Budget& budget) {
    const Sequential fixed{LSTM<float, 1, H>{}, LSTM<float, H, H>{}, Dense<float, H, 1>{}};
    const Sequential run_time =
        with_weights_of(fixed, Sequential{LSTM<float>{1, H}, LSTM<float>{H, H}, Dense<float>{H, 1}});
    const StreamNet net{false,
                        static_cast<int>(H),
                        {layer_weights<0>(run_time), layer_weights<1>(run_time)},
                        numbers(run_time.template layer<2>().W()),
                        numbers(run_time.template layer<2>().b())};
    add_case("stream/2xLSTM/" + std::to_string(H),
             [=](benchmark::State& state) { stream_case(state, "LSTM", fixed, run_time, net, budget); });
}

void narrow_case(benchmark::State& state, Index hidden, const Budget& budget) {
    const Sequential model{LSTM<float>{1, hidden}, Dense<float>{hidden, 1}};
    StreamRunners all(count);
    all.add("float", Stream{model}, exact);
    using carousel::WeightType;
    all.add("int16", Stream{model, WeightType::int16}, narrow);
    all.add("bfloat16", Stream{model, WeightType::bfloat16}, narrow);
    all.add("int8", Stream{model, WeightType::int8}, narrow);
    if (!all.differences.empty())
        return fail(state, all.differences);
    for ([[maybe_unused]] auto iteration : state)
        time_and_file(state, all.runners, budget,
                      {Section::narrow, "LSTM", {1, 1, 1, static_cast<int>(hidden)}, 0, 0, {}}, count);
}

void voices_case(benchmark::State& state, Index hidden, std::size_t voices, const Budget& budget) {
    const VoicesBesideStreams both(hidden, voices);
    if (!both.same())
        return fail(state, "Voices and Streams differ");
    for ([[maybe_unused]] auto iteration : state)
        time_and_file(state, both.runners(), budget,
                      {Section::voices, "LSTM", {1, static_cast<int>(voices), 1, static_cast<int>(hidden)}, 0, 0, {}},
                      static_cast<double>(voices));
}

} // namespace

void register_streams(bool quick) {
    const Budget budget = quick ? Budget{0.1, 5, 51} : Budget{1, 15, 101};
    add_lstms<8, 12, 16, 20, 24, 32, 40, 64, 128>(budget);
    add_two<8>(budget);
    add_two<12>(budget);
    add_two<16>(budget);
    add_grus<8, 16, 40>(budget);
    for (const Index hidden : {64, 96, 128, 256})
        add_case("narrow/LSTM/" + std::to_string(hidden),
                 [=](benchmark::State& state) { narrow_case(state, hidden, budget); });
    for (const Index hidden : {16, 32, 64})
        add_case("voices/LSTM/" + std::to_string(hidden) + "/64",
                 [=](benchmark::State& state) { voices_case(state, hidden, 64, budget); });
}

} // namespace benchmarks
