#include "runner.hpp"

#include "carousel/io/safetensors_file.hpp"
#include "carousel/stream/stream.hpp"
#include "message.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace tool {

using carousel::Matrix;
using carousel::Model;
using State = Model<float>::State;

namespace {

/// What the dimensions of an array mean.
struct Layout {
    Index batch = 1, steps = 1, features = 1;
    bool batched = false;    ///< the output has a dimension for the batch
    bool plain = false;      ///< (time): the output has no dimension for one feature
    bool channels = false;   ///< the batch is channels of audio, (time, channels)
    bool time_first = false; ///< (time, batch, features), as a Sequence is
};

Layout layout_of(const Array& x, const Model<float>& model, const RunOptions& options, const std::string& name) {
    const std::vector<Index>& shape = x.shape;
    const std::size_t rank = shape.size();
    const bool tokens = model.takes_tokens();
    const auto knobs = static_cast<Index>(options.knobs.size());
    check(!tokens || knobs == 0, name, ": the model takes tokens, which have no knobs");
    const Index expected = tokens ? 1 : model.input_size() - knobs; // <= 0 besides the knobs: any number
    check(model.input_size() == 0 || expected >= 1, name, ": the model takes ", counted(model.input_size(), "feature"),
          ", too few for an input and ", knobs, " --knob");

    Layout layout;
    layout.time_first = options.time_major || rank < 3;
    if (rank == 1)
        layout.steps = shape[0], layout.plain = true;
    else if (rank == 2 && tokens)
        layout.batched = true, layout.time_first = options.time_major;
    else if (rank == 2 && x.sample_rate > 0 && expected == 1 && shape[1] > 1)
        layout.steps = shape[0], layout.batch = shape[1], layout.channels = true;
    else if (rank == 2)
        layout.steps = shape[0], layout.features = shape[1];
    else if (rank == 3)
        layout.batched = true, layout.features = shape[2];
    if (layout.batched) {
        layout.batch = shape[options.time_major ? 1 : 0];
        layout.steps = shape[options.time_major ? 0 : 1];
    }
    const bool fits = rank >= 1 && rank <= 3 && (model.input_size() == 0 || layout.features == expected);
    const std::string f = carousel::detail::decimal(expected);
    const std::string full = options.time_major ? "(time, batch, " : "(batch, time, ";
    check(fits, name, ": the array is ", shape_text(shape), ", expected ",
          tokens ? std::string("(time,) or ") + (options.time_major ? "(time, batch)" : "(batch, time)") + " of tokens"
          : expected == 1 ? "(time,), (time, 1) or " + full + "1), for the model takes one feature a step"
                          : "(time, " + f + ") or " + full + f + "), for the model takes " + f + " features a step",
          knobs > 0 ? " besides the knobs" : "");
    check(layout.steps >= model.least_steps(), name, ": has ", layout.steps, " steps, the model needs at least ",
          model.least_steps());
    return layout;
}

/// As the layers take it: features × (steps · batch), with the knobs below.
Matrix<float> sequence_of(const Array& x, const Layout& layout, const std::vector<float>& knobs) {
    const Index F = layout.features, B = layout.batch, T = layout.steps, K = static_cast<Index>(knobs.size());
    Matrix<float> values(F + K, T * B);
    const float* from = x.numbers.data();
    for (Index outer = 0; outer < (layout.time_first ? T : B); ++outer)
        for (Index inner = 0; inner < (layout.time_first ? B : T); ++inner, from += F) {
            const Index column = layout.time_first ? outer * B + inner : inner * B + outer;
            values.col(column).head(F) = Eigen::Map<const carousel::Vector<float>>(from, F);
            for (Index k = 0; k < K; ++k)
                values(F + k, column) = knobs[static_cast<std::size_t>(k)];
        }
    return values;
}

/// The dimensions of an output of T steps of F features.
std::vector<Index> shape_of(const Layout& layout, Index F, Index T, bool one_step, const std::string& name) {
    const Index B = layout.batch;
    check(!layout.channels || (F == 1 && !one_step), name, ": has ", B,
          " channels, which are run one by one; the model's output of ",
          one_step ? "the last step alone" : carousel::detail::decimal(F) + " features",
          " is no audio; give one channel");
    if (one_step)
        return {B, F};
    if (layout.channels)
        return {T, B};
    if (layout.batched)
        return layout.time_first ? std::vector<Index>{T, B, F} : std::vector<Index>{B, T, F};
    return layout.plain && F == 1 ? std::vector<Index>{T} : std::vector<Index>{T, F};
}

/// The output, features × (steps · batch), in the order of the input.
Array array_of(const Matrix<float>& y, const Layout& layout, bool one_step, const std::string& name) {
    const Index F = y.rows(), B = layout.batch, T = y.cols() / B;
    Array array;
    array.shape = shape_of(layout, F, T, one_step, name);
    array.numbers.resize(static_cast<std::size_t>(y.size()));
    float* to = array.numbers.data();
    const bool time_first = layout.time_first || one_step;
    for (Index outer = 0; outer < (time_first ? T : B); ++outer)
        for (Index inner = 0; inner < (time_first ? B : T); ++inner, to += F)
            Eigen::Map<carousel::Vector<float>>(to, F) = y.col(time_first ? outer * B + inner : inner * B + outer);
    return array;
}

/// A column for each of the sequences.
State for_batch(const State& state, Index batch) {
    State wide = state;
    for (Matrix<float>& part : wide)
        if (part.size() > 0 && part.cols() == 1 && batch > 1)
            part = part.replicate(1, batch).eval();
    return wide;
}

/// The state of sequence b. Empty parts are as in `zero`.
State column(const State& state, Index b, const State& zero) {
    State one = zero;
    for (std::size_t k = 0; k < state.size(); ++k)
        if (state[k].size() > 0)
            one[k] = state[k].col(b);
    return one;
}

class Clock {
  public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

  private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Every sequence in turn.
Matrix<float> stream_all(const Model<float>& model, const Matrix<float>& x, Index batch, State& state, bool one_step,
                         double& seconds) {
    carousel::Stream stream{model};
    const Index steps = x.cols() / batch;
    Matrix<float> y(stream.output_size(), one_step ? batch : x.cols());
    std::vector<State> finals;
    for (Index b = 0; b < batch; ++b) {
        stream.reset();
        if (!state.empty())
            stream.set_state(column(state, b, stream.state()));
        const Clock clock;
        for (Index t = 0; t < steps; ++t) {
            const auto out = stream(x.col(t * batch + b));
            y.col(one_step ? b : t * batch + b) = Eigen::Map<const carousel::Vector<float>>(out.data(), y.rows());
        }
        seconds += clock.seconds();
        finals.push_back(stream.state());
    }
    state = model.empty_state();
    for (std::size_t k = 0; k < state.size(); ++k) {
        state[k].resize(finals[0][k].rows(), batch);
        for (Index b = 0; b < batch; ++b)
            state[k].col(b) = finals[static_cast<std::size_t>(b)][k];
    }
    return y;
}

/// The whole of the sequences; long ones, of a model that could be streamed as well, in parts, so that memory is for one part.
Matrix<float> run_all(const Model<float>& model, const Matrix<float>& x, Index batch, State& state, double& seconds) {
    constexpr Index most_columns = Index(1) << 18;
    const Index steps = x.cols() / batch;
    const bool in_parts =
        x.cols() > most_columns && model.output_length(steps) == steps && why_not_streamed(model).empty();
    const Index part = in_parts ? std::max<Index>(most_columns / batch, 1) : steps;
    Model<float>::Tape tape;
    Matrix<float> y;
    for (Index t = 0; t < steps; t += part) {
        const Index count = std::min(part, steps - t);
        const Clock clock;
        const carousel::SequenceView<float> view{x.data() + t * batch * x.rows(), x.rows(), count, batch};
        const auto out = model.infer(view, tape, state);
        seconds += clock.seconds();
        if (t == 0)
            y.resize(out.features(), in_parts ? x.cols() : out.columns());
        y.middleCols(t * batch, out.columns()) = out.values();
        State next;
        model.final_state(tape, next);
        state = std::move(next);
    }
    return y;
}

} // namespace

Outcome run(const Model<float>& model, const Array& x, const State& initial, const RunOptions& options,
            const std::string& name) {
    const Layout layout = layout_of(x, model, options, name);
    for (const Matrix<float>& part : initial)
        check(part.size() == 0 || part.cols() == 1 || part.cols() == layout.batch, name, ": the state is of ",
              part.cols(), " sequences, the input has ", layout.batch);
    const Matrix<float> values = sequence_of(x, layout, options.knobs);
    if (model.takes_tokens())
        for (Index k = 0; k < values.size(); ++k) {
            const float token = values.data()[k];
            check(token >= 0 && token < static_cast<float>(vocabulary(model)) && token == std::floor(token), name,
                  ": has the token ", token, ", expected whole numbers from 0 to ", vocabulary(model) - 1);
        }
    Outcome outcome;
    outcome.sequences = layout.batch;
    outcome.steps = layout.steps;
    outcome.state = for_batch(initial, layout.batch);
    const bool one_step = gives_one_step(model);
    const Matrix<float> y = options.stream
                                ? stream_all(model, values, layout.batch, outcome.state, one_step, outcome.seconds)
                                : run_all(model, values, layout.batch, outcome.state, outcome.seconds);
    outcome.y = array_of(y, layout, one_step, name);
    outcome.y.sample_rate = x.sample_rate;
    return outcome;
}

std::vector<Index> output_shape(const Model<float>& model, const Array& x, const RunOptions& options,
                                const std::string& name) {
    const Layout layout = layout_of(x, model, options, name);
    const Index F = model.output_size(layout.features + static_cast<Index>(options.knobs.size()));
    return shape_of(layout, F, model.output_length(layout.steps), gives_one_step(model), name);
}

std::string why_not_streamed(const Model<float>& model) {
    try {
        carousel::Stream stream{model};
        return "";
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

/// By a run on the shortest sequence: what rows a state has, only the layers know.
State any_state(const Model<float>& model) {
    const Index steps = std::max<Index>(model.least_steps(), 1);
    const carousel::Sequence<float> silence(std::max<Index>(model.input_size(), 1), steps);
    Model<float>::Tape tape;
    model.infer(silence, tape);
    State state;
    model.final_state(tape, state);
    return state;
}

std::vector<std::string> state_owners(const Model<float>& model) {
    std::vector<std::string> names;
    model.each_layer([&](std::size_t k, const auto& layer) {
        for (Index n = 0; n < layer.states(); ++n)
            names.push_back("layer " + std::to_string(k) + " (" + layer.name() + ")");
    });
    return names;
}

void check_state(const State& state, const Model<float>& model, const std::string& name) {
    if (state.empty())
        return;
    const State fitting = any_state(model);
    const std::vector<std::string> owners = state_owners(model);
    check(state.size() == fitting.size(), name, ": the state has ", state.size(), " matrices, the model's has ",
          fitting.size());
    for (std::size_t k = 0; k < state.size(); ++k)
        check(state[k].size() == 0 || state[k].rows() == fitting[k].rows(), name, ": state.", k, " has ",
              counted(state[k].rows(), "unit"), ", expected ", fitting[k].rows(), ", of ", owners[k]);
}

State read_state(const std::filesystem::path& path, const Model<float>& model) {
    const carousel::Safetensors file = carousel::read_safetensors(path);
    State state = model.empty_state();
    check(file.tensors.size() == state.size(), path.string(), ": has ",
          counted(static_cast<Index>(file.tensors.size()), "tensor"), ", the state of the model has ", state.size(),
          ": state.0, state.1 …");
    for (std::size_t k = 0; k < state.size(); ++k) {
        const std::string name = "state." + std::to_string(k);
        const carousel::NamedTensor* const tensor = file.find(name);
        check(tensor != nullptr, path.string(), ": has no tensor \"", name, "\"; is it a file of --save-state?");
        check(tensor->numbers.index() == 0 && tensor->shape.size() == 2, path.string(), ": ", name, " is ",
              tensor->dtype(), " ", shape_text(tensor->shape), ", expected F32 (units, sequences)");
        state[k] = tensor->matrix<float>();
    }
    return state;
}

void write_state(const std::filesystem::path& path, const State& state) {
    check(!state.empty(), path.string(), ": the model has no state to save");
    std::vector<carousel::NamedTensor> tensors;
    for (std::size_t k = 0; k < state.size(); ++k)
        tensors.emplace_back("state." + std::to_string(k), state[k]);
    carousel::write_safetensors(path, tensors, {});
}

Index vocabulary(const Model<float>& model) {
    if (!model.takes_tokens())
        return 0;
    carousel::LayerDescription first = model.layer(0).describe();
    while (!first.layers.empty())
        first = carousel::LayerDescription(first.layers[0]);
    for (const auto& [name, value] : first.values)
        if (const auto* const size = std::get_if<Index>(&value); size && name == "vocabulary")
            return *size;
    return 0;
}

bool gives_one_step(const Model<float>& model) {
    constexpr Index long_sequence = Index(1) << 20;
    return model.output_length(long_sequence) == 1;
}

void warn_of_nan(const Array& array, const std::string& name) {
    const auto is_bad = [](float x) { return !std::isfinite(x); };
    const auto bad = std::count_if(array.numbers.begin(), array.numbers.end(), is_bad);
    if (bad > 0)
        warn(carousel::detail::message_of(
            name, ": ", bad, bad == 1 ? " number is" : " numbers are", " NaN or infinite, the first is number ",
            std::find_if(array.numbers.begin(), array.numbers.end(), is_bad) - array.numbers.begin()));
}

} // namespace tool
