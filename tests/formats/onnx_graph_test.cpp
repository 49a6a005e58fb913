// ONNX files up to the chain of stages, without layers: what is read, folded, matched and refused.
#include "catch.hpp"

#include "carousel/io/onnx/extract.hpp"
#include "carousel/io/onnx/graph_writer.hpp"
#include "carousel/io/onnx/match.hpp"

namespace {

using namespace carousel;
using namespace carousel::detail::onnx;
using Strings = std::vector<std::string>;

const Source source("load_onnx", "memory");

Bytes bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

Chain match(const std::string& text, std::string_view output = {}) {
    const File file = read_file(source, bytes_of(text));
    Budget budget(source, text.size());
    Chain chain = Matcher(source, file, budget, output).match();
    for (Point& point : chain.points)
        point.node = nullptr; // of the file, which ends here
    return chain;
}
std::string refusal(const std::string& text) {
    try {
        match(text);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "not refused";
}

/// A graph from x (batch, time, 2) to y.
struct Net : GraphWriter {
    explicit Net(std::int64_t features = 2) { input("x", DataType::float32, {"batch", "time", features}); }
    /// A GRU of two units on (time, batch, 2).
    std::string gru(const std::string& x, const std::string& initial = "") {
        const std::string W = tensor({1, 6, 2}, std::vector<float>(12, 0.5F)),
                          R = tensor({1, 6, 2}, std::vector<float>(12, 0.25F));
        return node("GRU", {x, W, R, "", "", initial});
    }
    /// An LSTM of two units on (time, batch, 2).
    void lstm(const std::string& x, const std::vector<std::string>& outputs, const std::string& initial_h = "",
              const std::string& initial_c = "") {
        const std::string W = tensor({1, 8, 2}, std::vector<float>(16, 0.5F)),
                          R = tensor({1, 8, 2}, std::vector<float>(16, 0.25F));
        add("LSTM", {x, W, R, "", "", initial_h, initial_c}, outputs, {});
    }
    std::string permuted(const std::string& x, std::vector<std::int64_t> order) {
        return node("Transpose", {x}, {{"perm", std::move(order)}});
    }
    /// The file, whose output y is that value.
    std::string ends_in(const std::string& value) {
        add("Identity", {value}, {"y"}, {});
        output("y", DataType::float32, {"batch", "time", std::int64_t(2)});
        return file({});
    }
};

/// A node that is folded by itself.
Node node_of(std::string_view op, std::size_t inputs) {
    Node node;
    node.op_type = op;
    node.inputs.assign(inputs, "in");
    node.outputs = {"out"};
    return node;
}
template <class T>
Constant constant(Dims dims, std::vector<T> numbers) {
    return std::make_shared<const Array<T>>(Array<T>{std::move(dims), std::move(numbers)});
}

} // namespace

TEST_CASE("ONNX: what isn't a file of it is refused with what it isn't") {
    CHECK(refusal("") == "load_onnx: memory: it has no graph; is this an ONNX file?");
    CHECK(refusal("not a model") ==
          "load_onnx: memory: the file isn't a protobuf message: byte 1 of its 11 is wrong; is this an ONNX file?");
    const std::string whole = Net().ends_in("x");
    CHECK(refusal(whole.substr(0, whole.size() - 1))
              .starts_with("load_onnx: memory: the file isn't a protobuf message: byte "));
    WireWriter graph, model;
    model.message(field::model_graph, graph);
    CHECK(refusal(model.bytes()) == "load_onnx: memory: it doesn't say which version of ONNX' operators it uses");
}

TEST_CASE("ONNX: every file that is cut short or has a changed byte is read or refused, never more") {
    Net net;
    const std::string whole = net.ends_in(
        net.permuted(net.node("Squeeze", {net.gru(net.permuted("x", {1, 0, 2})), net.integers({1})}), {1, 0, 2}));
    REQUIRE(match(whole).path(0, match(whole).end).size() == 1);
    for (std::size_t k = 0; k < whole.size(); ++k) {
        refusal(whole.substr(0, k));
        for (const char changed : {'\0', '\x7f', '\xff'}) {
            std::string other = whole;
            other[k] = changed;
            refusal(other);
        }
    }
}

TEST_CASE("ONNX: numbers of every type and encoding are read") {
    Budget budget(source, 1000);
    const auto read = [&](const WireWriter& message) {
        return read_numbers(source, read_tensor(source, bytes_of(message.bytes())), budget);
    };
    const auto tensor = [](DataType type, std::int64_t count) {
        WireWriter message;
        message.number(field::tensor_dims, count);
        message.number(field::data_type, static_cast<std::int64_t>(type));
        message.text(field::tensor_name, "W");
        return message;
    };
    const auto reals = [&](const WireWriter& message) { return std::get<Reals>(read(message))->data; };
    const auto integers = [&](const WireWriter& message) { return std::get<Integers>(read(message))->data[0].value; };
    {
        WireWriter message = tensor(DataType::float16, 3);
        message.text(field::raw_data, std::string("\x00\x3c\x00\xc0\x01\x00", 6));
        CHECK(reals(message) == std::vector<double>{1, -2, 0x1p-24});
    }
    {
        WireWriter message = tensor(DataType::float16, 1); // in int32_data
        message.number(field::int32_data, 0x3555);
        CHECK(reals(message)[0] == 0.333251953125);
    }
    {
        WireWriter message = tensor(DataType::bfloat16, 1);
        message.text(field::raw_data, std::string("\xc0\x3f", 2));
        CHECK(reals(message)[0] == 1.5);
    }
    {
        WireWriter message = tensor(DataType::float32, 2); // one packed, one not
        message.text(field::float_data, std::string("\x00\x00\x80\x3f", 4));
        message.real(field::float_data, 2.5F);
        CHECK(reals(message) == std::vector<double>{1, 2.5});
    }
    {
        WireWriter message = tensor(DataType::float64, 1);
        message.text(field::double_data, std::string("\0\0\0\0\0\0\xf0\xbf", 8));
        CHECK(reals(message)[0] == -1);
    }
    {
        WireWriter message = tensor(DataType::int64, 1);
        message.number(field::int64_data, -7);
        CHECK(integers(message) == -7);
    }
    {
        WireWriter message = tensor(DataType::int8, 1);
        message.text(field::raw_data, "\xfe");
        CHECK(integers(message) == -2);
    }
}

TEST_CASE("ONNX: tensors whose numbers aren't there are refused by name") {
    const auto with = [](WireWriter tensor) {
        Net net;
        WireWriter model, graph;
        tensor.text(field::tensor_name, "W");
        WireWriter node;
        node.text(field::node_input, "x"), node.text(field::node_input, "W"), node.text(field::node_output, "z");
        node.text(field::op_type, "MatMul");
        graph.message(field::node, node);
        graph.message(field::initializer, tensor);
        model.message(field::model_graph, graph);
        return net.ends_in("z") + model.bytes(); // a second graph, put together with the first
    };
    WireWriter tensor;
    CHECK(refusal(with(tensor)) == "load_onnx: memory: it has two graphs");

    const auto numbers = [](const WireWriter& message) -> std::string {
        Budget budget(source, 100);
        try {
            read_numbers(source, read_tensor(source, bytes_of(message.bytes())), budget);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "read";
    };
    tensor.text(field::tensor_name, "W");
    tensor.number(field::tensor_dims, 3);
    tensor.number(field::data_type, 1);
    tensor.text(field::raw_data, "12345678");
    CHECK(numbers(tensor) == "load_onnx: memory: tensor \"W\" has 2 numbers, expected 3 for its shape");
    tensor.number(field::data_type, 8);
    CHECK(numbers(tensor) ==
          "load_onnx: memory: tensor \"W\" is of ONNX' type 8, which isn't read; expected floats or integers");
    tensor.number(field::data_location, 1);
    CHECK(numbers(tensor) ==
          "load_onnx: memory: tensor \"W\" lies in another file; save the model with its weights inside "
          "(onnx.save_model(model, path, save_as_external_data=False))");
    WireWriter huge;
    for (int k = 0; k < 3; ++k)
        huge.number(field::tensor_dims, std::int64_t(1) << 40);
    huge.number(field::data_type, 1);
    CHECK(numbers(huge) ==
          "load_onnx: memory: its constants take more than 16 times the memory of the file; simplify the graph "
          "before (onnxsim)");
}

TEST_CASE("ONNX: the first node that no layer is stands in the message") {
    Net net;
    CHECK(refusal(net.ends_in(net.node("Cumsum", {net.node("Relu", {"x"})}))) ==
          "load_onnx: memory: node 1 (Cumsum \"node_4\"): no layer computes Cumsum");
    Net two;
    two.input("knob", DataType::float32, {"batch", "time", std::int64_t(1)});
    CHECK(refusal(two.ends_in(two.node("Concat", {"x", "knob"}, {{"axis", std::int64_t(-1)}}))) ==
          "load_onnx: memory: node 0 (Concat \"node_2\"): it puts a state, or an input of the graph besides \"x\", "
          "together with "
          "what the net computes");
    Net wide;
    const std::string twice = wide.node("MatMul", {"x", wide.tensor({2, 3}, std::vector<float>(6, 1))});
    CHECK(refusal(wide.ends_in(wide.gru(wide.permuted(twice, {1, 0, 2})))) ==
          "load_onnx: memory: node 2 (GRU \"node_9\"): its X has 3 features, expected 2; extract_onnx takes the "
          "weights of a "
          "recurrent node by its name");
}

TEST_CASE("ONNX: constants that grow without end are refused") {
    Net net;
    std::string grown = net.integers(std::vector<std::int64_t>(64, 1));
    for (int k = 0; k < 40; ++k)
        grown = net.node("Concat", {grown, grown}, {{"axis", std::int64_t(0)}});
    CHECK(refusal(net.ends_in(net.node("Reshape", {"x", grown}))).ends_with("simplify the graph before (onnxsim)"));
}

TEST_CASE("ONNX: a state that is zeros of the input's batch is none") {
    Net net;
    const std::string batch =
        net.node("Gather", {net.node("Shape", {"x"}), net.integers({0})}, {{"axis", std::int64_t(0)}});
    const std::string shape =
        net.node("Concat", {net.integers({1}), batch, net.integers({2})}, {{"axis", std::int64_t(0)}});
    const std::string zeros = net.node("Expand", {net.tensor({1, 1, 1}, std::vector<float>{0}), shape});
    const Chain chain = match(net.ends_in(net.gru(net.permuted("x", {1, 0, 2}), zeros)));
    const RecurrentStage* stage = chain.stage<RecurrentStage>(chain.end);
    REQUIRE(stage);
    CHECK(stage->h.empty());
    CHECK(stage->hidden == 2);
}

TEST_CASE("ONNX: slices count as the operator's specification has it") {
    const auto range = [](std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
        const SliceRange r = slice_range(size, start, end, step);
        return std::pair(r.first, r.count);
    };
    CHECK(range(5, 0, INT64_MAX, 1) == std::pair<std::int64_t, std::int64_t>(0, 5));
    CHECK(range(5, -2, INT64_MAX, 1) == std::pair<std::int64_t, std::int64_t>(3, 2));
    CHECK(range(5, 1, -1, 2) == std::pair<std::int64_t, std::int64_t>(1, 2));
    CHECK(range(5, -1, INT64_MIN, -1) == std::pair<std::int64_t, std::int64_t>(4, 5));
    CHECK(range(5, INT64_MAX, INT64_MIN, INT64_MIN) == std::pair<std::int64_t, std::int64_t>(4, 1));
    CHECK(range(0, 0, 1, 1) == std::pair<std::int64_t, std::int64_t>(0, 0));
}

TEST_CASE("ONNX: an input without features and an empty constant are refused") {
    Net none(0);
    CHECK(refusal(none.ends_in(none.node("Add", {"x", none.tensor({0}, std::vector<float>{})}))) ==
          "load_onnx: memory: node 0 (Add \"node_3\"): its constant is empty");
    Net two(0);
    CHECK(refusal(two.ends_in(two.node("Add", {"x", two.tensor({2}, std::vector<float>{1, 2})}))) ==
          "load_onnx: memory: node 0 (Add \"node_3\"): dimension 2 of what it takes has no features");
}

TEST_CASE("ONNX: graphs inside graphs are read once each whatever their attributes are called") {
    std::string inner;
    for (int depth = 0; depth < 12; ++depth) {
        WireWriter node, graph;
        node.text(field::op_type, "If");
        for (int k = 0; k < 60; ++k) { // all of one name
            WireWriter attribute;
            attribute.text(field::attribute_name, "branch");
            attribute.text(field::attribute_g, k == 0 ? inner : "");
            node.message(field::node_attribute, attribute);
        }
        graph.message(field::node, node);
        inner = graph.bytes();
    }
    WireWriter model, set;
    model.text(field::model_graph, inner);
    set.number(field::opset_version, 14);
    model.message(field::opset_import, set);
    const File file = read_file(source, bytes_of(model.bytes()));
    CHECK_THROWS_WITH(find_recurrent_node(source, file, "rnn"),
                      "load_onnx: memory: it has no RNN, LSTM or GRU node \"rnn\", and none at all");
}

TEST_CASE("ONNX: layers that share weights take no more memory than a multiple of the file") {
    constexpr std::int64_t H = 64;
    constexpr std::size_t many = 60;
    const std::vector<float> ones(3 * H * H, 1);
    const char* const message = "its constants take more than 16 times the memory of the file; simplify the graph "
                                "before (onnxsim)";
    {
        Net net(H);
        const std::string W = net.tensor({1, 3 * H, H}, ones);
        std::string y = net.permuted("x", {1, 0, 2});
        for (std::size_t k = 0; k < many; ++k)
            y = net.node("Squeeze", {net.node("GRU", {y, W, W}), net.integers({1})});
        CHECK(refusal(net.ends_in(y)) == std::string("load_onnx: memory: ") + message);
    }
    {
        Net net(H);
        const std::string W = net.tensor({H, H, 3}, ones);
        std::string y = net.permuted("x", {0, 2, 1});
        for (std::size_t k = 0; k < many; ++k)
            y = net.node("Conv", {y, W});
        CHECK(refusal(net.ends_in(y)) == std::string("load_onnx: memory: ") + message);
    }
    {
        Net net(3 * H * H);
        const std::string a = net.tensor({3 * H * H}, ones);
        std::string y = net.permuted("x", {0, 2, 1});
        for (std::size_t k = 0; k < many; ++k)
            y = net.node("BatchNormalization", {y, a, a, a, a});
        CHECK(refusal(net.ends_in(y)) == std::string("load_onnx: memory: ") + message);
    }
    {
        Net net(3 * H * H);
        const std::string a = net.tensor({3 * H * H}, ones);
        std::string y = "x";
        for (std::size_t k = 0; k < many; ++k)
            y = net.node("Mul", {y, a});
        CHECK(refusal(net.ends_in(y)) == std::string("load_onnx: memory: ") + message);
    }
}

TEST_CASE("ONNX: few values of a net are put over one another") {
    Net net;
    const std::string wide = net.node("Unsqueeze", {"x", net.integers({0})});
    const std::string all = net.node("Concat", std::vector<std::string>(65, wide), {{"axis", std::int64_t(0)}});
    CHECK(refusal(net.ends_in(all)) ==
          "load_onnx: memory: node 1 (Concat \"node_5\"): it puts more than 64 values of the net together");
}

TEST_CASE("ONNX: sizes whose product doesn't fit are refused though one of them is zero") {
    constexpr std::int64_t huge = std::int64_t(1) << 62;
    CHECK(count_of(Dims{0, huge, huge}) == std::nullopt);
    CHECK(count_of(Dims{huge, huge, 0}) == std::nullopt);
    CHECK(count_of(Dims{huge, 0}) == 0);
    CHECK(count_of(Dims{3, 2}) == 6);
}

TEST_CASE("ONNX: a Range from the least number there is is refused") {
    Net net;
    const std::string range = net.node("Range", {net.integers({INT64_MIN}), net.integers({1}), net.integers({1})});
    CHECK(refusal(net.ends_in(net.node("Reshape", {"x", range}))) ==
          "load_onnx: memory: node 0 (Range \"node_5\"): it computes a constant in a way that isn't known here");
}

TEST_CASE("ONNX: Gather and Slice of constants give the parts that are named") {
    Budget budget(source, 1000);
    Folder fold(source, budget);
    const Constant a = constant<double>({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    const Constant indices = constant<Number>({1, 2}, {{-1}, {0}});
    const std::string axis = NodeAttribute("axis", std::int64_t(1)).message().bytes();
    Node gather = node_of("Gather", 2);
    gather.attributes.push_back({"axis", bytes_of(axis)});
    const auto gathered = std::get<Reals>(fold(gather, {&a, &indices})->front());
    CHECK(gathered->dims == Dims{2, 1, 2, 2});
    CHECK(gathered->data == std::vector<double>{4, 5, 0, 1, 10, 11, 6, 7});

    const Constant none = constant<Number>({0}, {});
    const auto whole = std::get<Reals>(fold(node_of("Slice", 3), {&a, &none, &none})->front());
    CHECK(whole == std::get<Reals>(a)); // not a copy
}

TEST_CASE("ONNX: indices into a constant without numbers take memory") {
    Budget budget(source, 0);
    Folder fold(source, budget);
    const Constant empty = constant<double>({1, 0}, {});
    const Constant indices = constant<Number>({100'000}, std::vector<Number>(100'000));
    CHECK(std::get<Reals>(fold(node_of("Gather", 2), {&empty, &indices})->front())->dims == Dims{100'000, 0});
    CHECK_THROWS_WITH(fold(node_of("Gather", 2), {&empty, &indices}),
                      "load_onnx: memory: its constants take more than 16 times the memory of the file; simplify the "
                      "graph before (onnxsim)");
}

TEST_CASE("ONNX: an unknown size and a zero put together are not one number everywhere") {
    Budget budget(source, 1000);
    Folder fold(source, budget);
    const Constant size = Filled{{unknown_number()}, false, 0, {0, false, 1}},
                   zero = Filled{{unknown_number()}, false, 0, {0}};
    CHECK(fold(node_of("Concat", 2), {&zero, &zero}).has_value());
    CHECK_FALSE(fold(node_of("Concat", 2), {&size, &zero}).has_value());
}

TEST_CASE("ONNX: one number that is expanded keeps its dimensions") {
    Budget budget(source, 1000);
    Folder fold(source, budget);
    const Constant one = constant<double>({1, 1, 1}, {7}), shape = constant<Number>({1}, {{2}});
    const auto expanded = std::get<Reals>(fold(node_of("Expand", 2), {&one, &shape})->front());
    CHECK(expanded->dims == Dims{1, 1, 2});
    CHECK(expanded->data == std::vector<double>{7, 7});
}

TEST_CASE("ONNX: a BatchNormalization in training is refused") {
    Net net;
    const std::string one = net.tensor({2}, std::vector<float>{1, 1});
    const std::string y = net.node("BatchNormalization", {net.permuted("x", {0, 2, 1}), one, one, one, one},
                                   {{"training_mode", std::int64_t(1)}});
    CHECK(refusal(net.ends_in(y)) == "load_onnx: memory: node 1 (BatchNormalization \"node_5\"): it is in training "
                                     "mode; export the model in eval mode");
}

TEST_CASE("ONNX: a LayerNormalization is of the features alone, with a scale for each") {
    const auto net_of = [](const std::vector<float>& scale, const std::vector<NodeAttribute>& attributes) {
        Net net;
        const std::string numbers = net.tensor({static_cast<std::int64_t>(scale.size())}, scale);
        const std::string y = net.permuted("x", {1, 0, 2});
        return net.ends_in(net.permuted(net.node("LayerNormalization", {y, numbers}, attributes), {1, 0, 2}));
    };
    for (const std::int64_t axis : {-1, 2}) {
        const Chain chain = match(net_of({2, 3}, {{"axis", axis}, {"epsilon", 0.25}}));
        const auto* const norm = chain.stage<LayerNormStage>(chain.end);
        REQUIRE(norm);
        CHECK((norm->gamma == std::vector<double>{2, 3} && norm->beta == std::vector<double>{0, 0} &&
               norm->epsilon == 0.25));
    }
    const std::string where = "load_onnx: memory: node 1 (LayerNormalization \"node_5\"): ";
    CHECK(refusal(net_of({2, 3}, {{"axis", std::int64_t(1)}})) ==
          where + "its axis is 1 of 3 dimensions, expected the last, which has the features");
    CHECK(refusal(net_of({2, 3}, {{"axis", std::int64_t(3)}})) ==
          where + "its axis is 3 of 3 dimensions, expected the last, which has the features");
    Net means; // whose mean goes on
    const std::string scale = means.tensor({2}, std::vector<float>{1, 1});
    means.add("LayerNormalization", {"x", scale}, {"normal", "mean"}, {});
    CHECK(refusal(means.ends_in(means.node("Relu", {"mean"})))
              .find("(Relu \"node_4\"): it computes from a state or from an input of the graph besides") !=
          std::string::npos);
    CHECK(refusal(net_of({2, 3, 4}, {})) == where + "its scale isn't a constant of 2 numbers, one for each feature");
    Net one(1); // a scale without dimensions
    const std::string number = one.tensor({}, std::vector<float>{2});
    CHECK(refusal(one.ends_in(one.node("LayerNormalization", {"x", number}))) ==
          "load_onnx: memory: node 0 (LayerNormalization \"node_3\"): its scale isn't a constant of 1 numbers, one for "
          "each feature");
}

TEST_CASE("ONNX: operator sets whose Add is another one are refused") {
    WireWriter set, sets;
    set.number(field::opset_version, 6);
    sets.message(field::opset_import, set);
    CHECK(refusal(Net().ends_in("x") + sets.bytes()) ==
          "load_onnx: memory: it is of operator set 6, expected 7 or newer; convert it "
          "(onnx.version_converter.convert_version(model, 14))");
}

TEST_CASE("ONNX: whole numbers that fill a state and are cast are its numbers") {
    Net net;
    const std::string batch =
        net.node("Gather", {net.node("Shape", {"x"}), net.integers({0})}, {{"axis", std::int64_t(0)}});
    const std::string shape =
        net.node("Concat", {net.integers({1}), batch, net.integers({2})}, {{"axis", std::int64_t(0)}});
    const std::string whole = net.node("Expand", {net.integers({3}), shape});
    const std::string state = net.node("Cast", {whole}, {{"to", std::int64_t(1)}});
    const Chain chain = match(net.ends_in(net.gru(net.permuted("x", {1, 0, 2}), state)));
    CHECK(chain.stage<RecurrentStage>(chain.end)->h == std::vector<double>{3, 3});

    Net integers;
    CHECK(refusal(integers.ends_in(integers.gru(integers.permuted("x", {1, 0, 2}), integers.integers({1, 1})))) ==
          "load_onnx: memory: node 1 (GRU \"node_7\"): initial_h isn't of floats");
}

TEST_CASE("ONNX: what a cell ended in is no initial state of another") {
    Net net;
    net.lstm(net.permuted("x", {1, 0, 2}), {"y_0", "", "c_0"});
    net.lstm(net.node("Squeeze", {"y_0", net.integers({1})}), {"y_1"}, "", net.node("Identity", {"c_0"}));
    CHECK(refusal(net.ends_in("y_1")) ==
          "load_onnx: memory: node 4 (LSTM \"node_13\"): its input 6 is computed by the net, expected an input of the "
          "graph or a constant; extract_onnx takes the weights of a recurrent node by its name");
}

TEST_CASE("ONNX: numbers in the shape of a state are a constant of the file") {
    Net net;
    net.input("h", DataType::float32, {std::int64_t(1), "batch", std::int64_t(2)});
    const std::string state =
        net.node("Expand", {net.tensor({1, 1, 2}, std::vector<float>{3, 4}), net.node("Shape", {"h"})});
    const Chain chain = match(net.ends_in(net.gru(net.permuted("x", {1, 0, 2}), state)));
    CHECK(chain.stage<RecurrentStage>(chain.end)->h == std::vector<double>{3, 4});
}

TEST_CASE("ONNX: a name shows in a message as what any terminal prints") {
    CHECK(detail::onnx::in_quotes("rnn/\xc2\x9b"
                                  "31m\x1b\x7f\xe2\x82") == "\"rnn/??31m????\"");
    CHECK(detail::onnx::in_quotes(std::string(101, 'a')) == "\"" + std::string(100, 'a') + "...\"");
    Net net;
    CHECK(refusal(net.ends_in(net.node("Cum\x9bsum", {"x"}))) ==
          "load_onnx: memory: node 0 (Cum?sum \"node_2\"): no layer computes Cum?sum");
}

TEST_CASE("ONNX: a convolution in groups is a whole one whose weights are zero between groups") {
    Net net;
    const std::string x = net.permuted("x", {0, 2, 1});
    const std::string y = net.node("Conv", {x, net.tensor({4, 1, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8})},
                                   {{"group", std::int64_t(2)}});
    const std::string z = net.node("Conv", {y, net.tensor({2, 4, 1}, std::vector<float>(8, 1))});
    const Chain chain = match(net.ends_in(net.permuted(z, {0, 2, 1})));
    const ConvStage* const stage = chain.stage<ConvStage>(chain.path(0, chain.end)[0]);
    REQUIRE(stage);
    CHECK((stage->input == 2 && stage->output == 4 && stage->kernel == 2));
    CHECK(stage->W == std::vector<double>{1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8});

    const auto refused = [](std::int64_t groups, std::int64_t outputs) {
        Net other;
        const std::string made =
            other.node("Conv",
                       {other.permuted("x", {0, 2, 1}),
                        other.tensor({outputs, 1, 1}, std::vector<float>(static_cast<std::size_t>(outputs), 1))},
                       {{"group", groups}});
        return refusal(other.ends_in(other.permuted(made, {0, 2, 1})));
    };
    CHECK(refused(2, 3) == "load_onnx: memory: node 1 (Conv \"node_5\"): it has 2 groups, which don't divide its 3 "
                           "outputs, or are too many");
    CHECK(refused(0, 2) == "load_onnx: memory: node 1 (Conv \"node_5\"): it has 0 groups, which don't divide its 2 "
                           "outputs, or are too many");
}

TEST_CASE("ONNX: a Pad may say the dimensions that it pads") {
    Net net;
    const std::string x = net.permuted("x", {0, 2, 1});
    const std::string padded = net.node("Pad", {x, net.integers({3, 0}), "", net.integers({-1})});
    const std::string y = net.node("Conv", {padded, net.tensor({2, 2, 4}, std::vector<float>(16, 1))});
    const Chain chain = match(net.ends_in(net.permuted(y, {0, 2, 1})));
    const ConvStage* const stage = chain.stage<ConvStage>(chain.end);
    REQUIRE(stage);
    CHECK((stage->left == 3 && stage->right == 0));
    Net other;
    CHECK(
        refusal(other.ends_in(other.node("Pad", {"x", other.integers({3, 0}), "", other.integers({7})}))) ==
        "load_onnx: memory: node 0 (Pad \"node_4\"): it pads with something else than zeros, or by an unknown number");
}

TEST_CASE("ONNX: Neg, a Sum of two and CastLike are what they compute") {
    Net net;
    const std::string one = net.node("CastLike", {net.tensor({}, std::vector<float>{0.5F}), "x"});
    const std::string y = net.node("Sum", {net.node("Neg", {net.node("CastLike", {"x", one})}), one});
    const Chain chain = match(net.ends_in(y));
    const auto path = chain.path(0, chain.end);
    REQUIRE(path.size() == 2);
    CHECK(chain.stage<AffineStage>(path[0])->scale == std::vector<double>{-1});
    CHECK(chain.stage<AffineStage>(path[1])->shift == std::vector<double>{0.5});
    Net skip;
    const std::string h = skip.node("Tanh", {"x"});
    const Chain residual = match(skip.ends_in(skip.node("Sum", {h, "x"})));
    CHECK(residual.stage<ResidualStage>(residual.end));
    Net three;
    CHECK(refusal(three.ends_in(three.node("Sum", {"x", "x", "x"}))) ==
          "load_onnx: memory: node 0 (Sum \"node_2\"): it hasn't two inputs");
}

TEST_CASE("ONNX: a CastLike to whole numbers is refused as a Cast to them is") {
    const std::string integers = "it makes integers of what the net computes";
    Net cast;
    CHECK(refusal(cast.ends_in(cast.node("CastLike", {"x", cast.integers({1})}))) ==
          "load_onnx: memory: node 0 (CastLike \"node_3\"): " + integers);
    Net two;
    CHECK(refusal(two.ends_in(two.node("CastLike", {"x"}))).ends_with("it hasn't two inputs"));
}

TEST_CASE("ONNX: Neg, Sum and CastLike of constants are folded") {
    Budget budget(source, 1000);
    Folder fold(source, budget);
    const Constant reals = constant<double>({2}, {1.5, -2}), half = constant<double>({}, {0.5}),
                   whole = constant<Number>({2}, {{3}, {-1}});
    using Doubles = std::vector<double>;
    using Numbers = std::vector<Number>;
    CHECK(std::get<Reals>(fold(node_of("Neg", 1), {&reals})->front())->data == Doubles{-1.5, 2});
    CHECK(std::get<Integers>(fold(node_of("Neg", 1), {&whole})->front())->data == Numbers{{-3}, {1}});
    CHECK(std::get<Reals>(fold(node_of("Sum", 2), {&reals, &half})->front())->data == Doubles{2, -1.5});
    CHECK(std::get<Reals>(fold(node_of("Sum", 1), {&reals})->front())->data == Doubles{1.5, -2});
    CHECK(std::get<Reals>(fold(node_of("Sum", 3), {&half, &reals, &half})->front())->data == Doubles{2.5, -1});
    CHECK(std::get<Reals>(fold(node_of("CastLike", 2), {&reals, &half})->front())->data == Doubles{1.5, -2});
    CHECK(std::get<Integers>(fold(node_of("CastLike", 2), {&reals, &whole})->front())->data == Numbers{{1}, {-2}});
    CHECK(std::get<Reals>(fold(node_of("CastLike", 2), {&whole, &half})->front())->data == Doubles{3, -1});
    CHECK_FALSE(fold(node_of("CastLike", 1), {&reals}).has_value());
}

TEST_CASE("ONNX: a Pad by nothing is nothing") {
    Net net;
    const std::string y = net.node("Relu", {net.node("Pad", {"x", net.integers({0, 0, 0, 0, 0, 0})})});
    const Chain chain = match(net.ends_in(y));
    CHECK(chain.path(0, chain.end).size() == 1);
}
