// The program of what-is-an-lstm.md: measures what the page says, and draws its pictures as SVG into the folder given.
#include <carousel/carousel.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

using namespace carousel;

// ---- Drawing: lines over a frame, in colours that are read on light and dark pages.

struct Line {
    std::string name;
    std::vector<double> y; // at x = 0, 1, 2 …; NaN where there is none
};

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string text_at(double x, double y, const std::string& text, const char* anchor = "middle") {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + text + "</text>\n";
}

const char* colour(std::size_t k) {
    constexpr const char* colours[] = {"#d1495b", "#3b82c4", "#2a9d6f", "#d08a1d", "#8a63c9", "#7a7f87", "#b5651d"};
    return colours[k % 7];
}

std::string begin(double width, double height) {
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + " " + number(height) +
           "\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#7a7f87\">\n";
}

// Lines over steps; `marks` are the ticks of the y axis, in the units that `scale` maps to.
std::string plot(const std::vector<Line>& lines, double low, double high,
                 const std::vector<std::pair<double, std::string>>& marks, const std::string& x_title) {
    const double left = 70, top = 14, width = 440, height = 250;
    std::size_t steps = 0;
    for (const Line& line : lines)
        steps = std::max(steps, line.y.size());
    const auto px = [&](std::size_t k) {
        return left + width * static_cast<double>(k) / static_cast<double>(steps - 1);
    };
    const auto py = [&](double y) { return top + height * (high - std::clamp(y, low, high)) / (high - low); };
    std::string svg = begin(720, 310);
    for (const auto& [value, name] : marks)
        svg += "<path d=\"M" + number(left) + " " + number(py(value)) + "h" + number(width) +
               "\" stroke=\"#7a7f87\" stroke-opacity=\".3\"/>\n" + text_at(left - 8, py(value) + 4, name, "end");
    for (int part = 0; part <= 4; ++part) {
        const auto step = static_cast<std::size_t>(part) * (steps - 1) / 4;
        svg += text_at(px(step), top + height + 20, std::to_string(step));
    }
    svg += text_at(left + width / 2, top + height + 40, x_title);
    for (std::size_t k = 0; k < lines.size(); ++k) {
        std::string path;
        bool drawn = false;
        for (std::size_t t = 0; t < lines[k].y.size(); ++t) {
            const double y = lines[k].y[t];
            if (lines[k].y.size() > 300 && t % 10 != 0)
                continue; // enough for a smooth line
            if (!std::isfinite(y) || y < low || y > high) {
                drawn = false;
                continue;
            }
            path +=
                (drawn ? "L" : "M") + number(std::round(px(t) * 10) / 10) + " " + number(std::round(py(y) * 10) / 10);
            drawn = true;
        }
        svg += "<path d=\"" + path + "\" fill=\"none\" stroke-width=\"2\" stroke=\"" + colour(k) + "\"/>\n";
        svg += "<path d=\"M525 " + number(28 + 22 * static_cast<double>(k)) + "h18\" stroke-width=\"3\" stroke=\"" +
               colour(k) + "\"/>\n" + text_at(550, 32 + 22 * static_cast<double>(k), lines[k].name, "start");
    }
    return svg + "</svg>\n";
}

// The loop, and the loop unrolled.
std::string unrolled() {
    std::string svg = begin(680, 200);
    svg += "<defs><marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
           "orient=\"auto\">"
           "<path d=\"M0 0L8 4L0 8z\" fill=\"#7a7f87\"/></marker></defs>\n";
    const auto arrow = [](const std::string& path) {
        return "<path d=\"" + path +
               "\" fill=\"none\" stroke=\"#7a7f87\" stroke-width=\"1.5\" marker-end=\"url(#to)\"/>\n";
    };
    const auto cell = [&](double x, const std::string& in, const std::string& out) {
        svg +=
            "<rect x=\"" + number(x - 28) +
            "\" y=\"76\" width=\"56\" height=\"44\" rx=\"8\" fill=\"none\" stroke=\"#3b82c4\" stroke-width=\"2\"/>\n";
        svg += text_at(x, 102, "cell") + text_at(x, 180, in) + text_at(x, 26, out);
        svg += arrow("M" + number(x) + " 164V122") + arrow("M" + number(x) + " 74V34");
    };
    cell(70, "xₜ", "hₜ");
    svg += arrow("M98 88C150 40 150 160 100 110");
    svg += text_at(165, 103, "=");
    const char* names[] = {"₁", "₂", "₃", "₄"};
    for (int k = 0; k < 4; ++k) {
        const double x = 270 + 110 * k;
        cell(x, std::string("x") + names[k], std::string("h") + names[k]);
        svg += arrow("M" + number(x - 80) + " 98H" + number(x - 31));
        if (k > 0)
            svg += text_at(x - 55, 90, std::string("h") + names[k - 1]);
    }
    return svg + text_at(218, 90, "h₀") + "</svg>\n";
}

// ---- Gradients by distance

// Step t of a sequence as a sequence of one step.
SequenceView<double> step_of(const SequenceView<double>& x, Index t) {
    return {x.data() + t * x.features() * x.batch(), x.features(), 1, x.batch()};
}

// log10 of the norm of dL/dh_t for a loss at the last of T steps, relative to its norm there, for t = T, T - 1, …
// dL/dh_t is what backward says of the initial state when the last T - t steps are a pass of their own.
template <class Layer>
std::vector<double> gradient_by_distance(Layer& layer, Index steps, const SequenceView<double>& x) {
    typename Layer::Tape tape;
    std::vector<typename Layer::State> states(1); // before step t
    for (Index t = 0; t < steps; ++t) {
        layer.infer(step_of(x, t), tape, states.back());
        states.emplace_back();
        layer.final_state(tape, states.back());
    }
    typename Layer::State d(states.back());
    d.setZero();
    d.topRows(layer.hidden_size()).setOnes();
    std::vector<double> norms;
    const double last = d.topRows(layer.hidden_size()).norm();
    Sequence<double> none(layer.hidden_size(), 1, 1);
    for (Index t = steps; t-- > 0;) {
        norms.push_back(std::log10(d.norm() / last));
        layer.forward(step_of(x, t), tape, states[static_cast<std::size_t>(t)]);
        typename Layer::State before;
        layer.backward(none, tape, {.d_final = &d, .d_initial = &before});
        d = before;
    }
    return norms;
}

SimpleRNN<double> simple(double radius, Activation activation) {
    return SimpleRNN<double>{1, 32, {activation}, {.U = initializer::orthogonal(radius), .seed = 1}};
}

// ---- The story

int main(int count, char** arguments) {
    const std::filesystem::path folder = count > 1 ? arguments[1] : ".";
    std::filesystem::create_directories(folder);
    const auto save = [&](const char* name, const std::string& svg) { std::ofstream(folder / name) << svg; };
    save("unrolled.svg", unrolled());

    // How the gradient comes back through 100 steps of a small noise.
    const Index steps = 101;
    Sequence<double> noise(1, steps, 1);
    Random random(1);
    initializer::normal(0, 0.01)(noise.values(), 1, 1, random);
    std::vector<Line> lines;
    for (const double radius : {0.9, 1.0, 1.1}) {
        auto layer = simple(radius, Activation::linear);
        lines.push_back({"SimpleRNN, radius " + number(radius), gradient_by_distance(layer, steps, noise)});
    }
    LSTM<double> lstm{1, 32, {.seed = 1}};
    lines.push_back({"LSTM", gradient_by_distance(lstm, steps, noise)});
    LSTM<double> open{1, 32, {.seed = 1}};
    open.b().value.middleRows(32, 32).setConstant(5);
    lines.push_back({"LSTM, forget bias 5", gradient_by_distance(open, steps, noise)});
    GRU<double> gru{1, 32, {.seed = 1}};
    lines.push_back({"GRU", gradient_by_distance(gru, steps, noise)});
    GRU<double> holding{1, 32, {}, {.seed = 1}};
    holding.b().value.middleRows(64, 32).setConstant(5); // z
    lines.push_back({"GRU, update bias 5", gradient_by_distance(holding, steps, noise)});
    for (const Line& line : lines)
        std::printf("%-22s %s after 100 steps, 10 to the %.1f\n", line.name.c_str(),
                    line.y.back() < -0.5  ? "less"
                    : line.y.back() > 0.5 ? "more"
                                          : "as much",
                    line.y.back());
    save("gradients.svg",
         plot(lines, -8, 5, {{-8, "10⁻⁸"}, {-4, "10⁻⁴"}, {0, "1"}, {4, "10⁴"}}, "steps back from the loss"));

    // The constant error carousel: what c keeps over 1,000 steps with the forget gate at 1, .999 and .99.
    std::vector<Line> carousels;
    for (const double gate : {1.0, 0.999, 0.99}) {
        LSTM<double> unit{1, 1, {.U = initializer::zeros(), .seed = 1}};
        unit.W().value.setZero();
        unit.b().value.setConstant(-30); // the input gate is shut, and g doesn't matter
        unit.b().value(1) = gate == 1 ? 40 : std::log(gate / (1 - gate));
        Sequence<double> silence(1, 1, 1);
        LSTM<double>::Tape tape;
        LSTM<double>::State state = Matrix<double>::Zero(2, 1);
        state(1, 0) = 1;
        Line line{"f = " + number(gate), {}};
        for (int t = 0; t <= 1000; ++t) {
            line.y.push_back(state(1, 0));
            unit.infer(silence, tape, state);
            unit.final_state(tape, state);
        }
        std::printf("f = %-5s keeps %.3f of c after 1000 steps\n", number(gate).c_str(), line.y.back());
        carousels.push_back(std::move(line));
    }
    save("carousel.svg", plot(carousels, 0, 1.05, {{0, "0"}, {0.5, ".5"}, {1, "1"}}, "steps"));

    // Gates on a signal: four units learn to hold the last value that came with a marker.
    Dataset<float> data{Sequence<float>(2, 60, 300), Sequence<float>(1, 60, 300)};
    for (Index b = 0; b < 300; ++b) {
        float held = 0;
        for (Index t = 0; t < 60; ++t) {
            const bool marked = t == 0 || random.uniform() < 0.08;
            const auto value = static_cast<float>(random.uniform(-0.8, 0.8));
            held = marked ? value : held;
            data.x.step(t)(0, b) = value, data.x.step(t)(1, b) = marked ? 1.0f : 0.0f;
            data.y.step(t)(0, b) = held;
        }
    }
    Sequential holder{LSTM<float>{2, 4, {.seed = 3}}, Dense<float>{4, 1, {.seed = 2}}};
    fit(holder, data, MeanSquaredError{}, Adam{.learning_rate = 2e-2},
        {.epochs = 60, .batch_size = 20, .seed = 1, .clip_norm = 1.0});
    const double loss = evaluate(holder, data, MeanSquaredError{}).loss;
    std::printf("the holder's mean squared error is below 0.01: %s\n", loss < 0.01 ? "yes" : "no");

    // Its gates, of the equations of cell/lstm.hpp, on the first sequence; the unit whose input gate moves most.
    const auto& layer = holder.layer<0>();
    Matrix<double> c = Matrix<double>::Zero(4, 1), h = c;
    std::vector<Matrix<double>> i_gate, f_gate;
    std::vector<double> marker, told, wanted;
    Stream stream{holder};
    for (Index t = 0; t < 60; ++t) {
        const Vector<double> x = data.x.step(t).col(0).cast<double>();
        const Matrix<double> a =
            layer.W().value.cast<double>() * x + layer.U().value.cast<double>() * h + layer.b().value.cast<double>();
        const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
        const Matrix<double> i = a.middleRows(0, 4).unaryExpr(sigmoid), f = a.middleRows(4, 4).unaryExpr(sigmoid);
        const Matrix<double> g = a.middleRows(8, 4).array().tanh().matrix(), o = a.middleRows(12, 4).unaryExpr(sigmoid);
        c = f.cwiseProduct(c) + i.cwiseProduct(g);
        h = o.cwiseProduct(c.array().tanh().matrix());
        i_gate.push_back(i), f_gate.push_back(f);
        marker.push_back(static_cast<double>(data.x.step(t)(1, 0)));
        wanted.push_back(static_cast<double>(data.y.step(t)(0, 0)));
        told.push_back(static_cast<double>(stream(Vector<float>(data.x.step(t).col(0)))[0]));
    }
    Index unit = 0;
    double most = -1;
    for (Index k = 0; k < 4; ++k) {
        double at_marks = 0, elsewhere = 0, marks = 0;
        for (std::size_t t = 0; t < 60; ++t)
            (marker[t] > 0 ? at_marks : elsewhere) += i_gate[t](k, 0), marks += marker[t];
        if (const double contrast = at_marks / marks - elsewhere / (60 - marks); contrast > most)
            most = contrast, unit = k;
    }
    std::vector<double> i_line, f_line;
    for (std::size_t t = 0; t < 60; ++t)
        i_line.push_back(i_gate[t](unit, 0)), f_line.push_back(f_gate[t](unit, 0));
    std::printf("a unit's input gate is more open where there is a marker: %s\n", most > 0.3 ? "yes" : "no");
    save("gates.svg",
         plot({{"marker", marker}, {"input gate", i_line}, {"forget gate", f_line}, {"wanted", wanted}, {"told", told}},
              -1, 1.05, {{-1, "-1"}, {0, "0"}, {1, "1"}}, "steps"));
}
