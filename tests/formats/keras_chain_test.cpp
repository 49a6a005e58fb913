// Functional models of Keras 2 and 3 as rows of layers.
#include "carousel/io/keras/chain.hpp"

#include "catch.hpp"
#include "io/folder.hpp"

using namespace carousel;
using namespace carousel::test;
using carousel::detail::Input;
using carousel::detail::Json;
using namespace carousel::detail::keras;

namespace {

const std::vector<std::byte> nothing;

Json layer(const std::string& name, Json nodes) {
    return {{"class_name", "Any"}, {"name", name}, {"config", {{"name", name}}}, {"inbound_nodes", nodes}};
}
/// A node of Keras 2 with these inputs.
Json old_node(const std::vector<std::string>& sources, Json options = Json::object()) {
    Json node = Json::array();
    for (const std::string& source : sources)
        node.push_back({source, 0, 0, options});
    return Json::array({node});
}
Json tensor(const std::string& source, int use = 0, int output = 0) {
    return {{"class_name", "__keras_tensor__"},
            {"config", {{"shape", {nullptr, 3}}, {"keras_history", {source, use, output}}}}};
}
/// A node of Keras 3.
Json new_node(Json arguments, Json options = Json::object()) {
    return Json::array({{{"args", arguments}, {"kwargs", options}}});
}
Json model(const std::vector<Json>& layers, Json in = {{"x", 0, 0}}, Json out = {{"y", 0, 0}}) {
    return {{"class_name", "Functional"},
            {"config", {{"layers", layers}, {"input_layers", in}, {"output_layers", out}}}};
}

std::vector<std::string> names(const Json& json) {
    const Input input("load_keras", nothing);
    std::vector<std::string> names;
    for (const Link& one : chain(input, json).layers)
        names.push_back((*one.layer)["name"]);
    return names;
}
std::string refused(const Json& json) {
    const std::string message = error<std::runtime_error>([&] { names(json); });
    const std::string begins = "load_keras: memory: ";
    return message.starts_with(begins) ? message.substr(begins.size()) : "unexpected: " + message;
}

using Names = std::vector<std::string>;
const Json x = layer("x", Json::array());

} // namespace

TEST_CASE("Keras: functional models of Keras 2 and 3 are rows of layers, in whatever order they are listed") {
    const Names expected{"x", "a", "y"};
    CHECK(names(model({layer("y", old_node({"a"})), x, layer("a", old_node({"x"}))})) == expected);
    CHECK(names(model({x, layer("a", old_node({"x"}, {{"training", nullptr}, {"mask", nullptr}})),
                       layer("y", Json::array({{"a", 0, 0}}))})) == expected);
    const Json training{{"training", false}, {"mask", nullptr}};
    CHECK(names(model({x, layer("a", new_node({tensor("x")}, training)), layer("y", new_node({tensor("a")}))})) ==
          expected);
    CHECK(names(model({x, layer("a", new_node(tensor("x"))), layer("y", new_node({{tensor("a")}}))}, {"x", 0, 0},
                      {"y", 0, 0})) == expected);
    Json old = model({x, layer("y", old_node({"x"}))});
    old["class_name"] = "Model";
    CHECK(names(old) == Names{"x", "y"});
}

TEST_CASE("Keras: the mask of Keras 3 is noted, and the layer that makes it isn't in the row") {
    Json mask = layer("not_equal", new_node({tensor("x"), 0}));
    mask["class_name"] = "NotEqual";
    const Json masked = model({x, mask, layer("y", new_node({tensor("x")}, {{"mask", tensor("not_equal")}}))});
    const Input input("load_keras", nothing);
    const Chain found = chain(input, masked);
    CHECK(found.masked);
    CHECK(found.layers.size() == 2);
}

TEST_CASE(
    "Keras: functional models that aren't rows are refused with the first layer, from the output on, that isn't") {
    CHECK(refused(model({x, layer("a", old_node({"x"})), layer("y", old_node({"x", "a"}))})) ==
          "layer \"y\" (Any): it has 2 inputs; only models whose layers stand in a row can be loaded");
    CHECK(refused(model({x, layer("a", old_node({"x"})), layer("b", old_node({"x"})),
                         layer("y", new_node({{tensor("a"), tensor("b")}}))})) ==
          "layer \"y\" (Any): it has 2 inputs; only models whose layers stand in a row can be loaded");
    Json twice = old_node({"x"});
    twice.push_back(twice[0]);
    CHECK(refused(model({x, layer("y", twice)})) ==
          "layer \"y\" (Any): it is used 2 times; only models whose layers stand in a row can be loaded");
    CHECK(refused(model({x, layer("y", new_node({tensor("x", 0, 1)}))})) ==
          "layer \"y\" (Any): it takes another output of \"x\" than the first");
    CHECK(refused(model({x, layer("y", new_node({tensor("x", 1)}))})) ==
          "layer \"y\" (Any): \"x\" is used more than once");
    CHECK(refused(model({x, layer("y", new_node({tensor("x"), 2}))})) ==
          "layer \"y\" (Any): it is called with 2, which isn't another layer's output");
    CHECK(refused(model({x, layer("y", old_node({"x"}, {{"initial_state", {"h", 0, 0}}}))})) ==
          "layer \"y\" (Any): it is called with the option initial_state, which can't be had");
    CHECK(refused(model({x, layer("y", old_node({"x"})), layer("z", old_node({"y"}))})) ==
          "layer \"z\" (Any): it is not in the row of layers from the model's input to its output");
    CHECK(refused(model({x, layer("y", old_node({"x"}))}, {{"x", 0, 0}, {"w", 0, 0}})) ==
          "the model has 2 inputs, expected 1: [[\"x\",0,0],[\"w\",0,0]]");
    CHECK(refused(model({x, layer("y", old_node({"x"}))}, {{"x", 0, 0}}, {{"x", 0, 0}, {"y", 0, 0}})) ==
          "the model has 2 outputs, expected 1: [[\"x\",0,0],[\"y\",0,0]]");
    CHECK(refused(model({x, layer("y", old_node({"z"}))})) ==
          "the model's config has no layer \"z\", which another is connected with");
    CHECK(refused(model({x, layer("a", old_node({"y"})), layer("y", old_node({"a"}))})) ==
          "the model's layers are connected in a circle");
    CHECK(refused(model({x, layer("y", Json::array())})) ==
          "layer \"y\" (Any): it has no input, and isn't the model's");
    CHECK(refused(model({x, x, layer("y", old_node({"x"}))})) == "the model's config has two layers called \"x\"");
    CHECK(refused(model({x, layer("y", "x")})) == "layer \"y\" (Any): its inbound_nodes can't be understood: \"x\"");
}

namespace {

Json add(const std::string& name, const Json& nodes) {
    Json sum = layer(name, nodes);
    sum["class_name"] = "Add";
    return sum;
}

/// "x a >y b +y": after y there is a skip, which the sum y ends.
std::string row(const Json& json) {
    const Input input("load_keras", nothing);
    std::string text;
    for (const Link& link : chain(input, json).layers)
        text += (text.empty() ? "" : " ") + std::string(link.adds ? "+" : "") +
                (*link.layer)["name"].get<std::string>() + std::string(link.skips, '<');
    return text;
}

} // namespace

TEST_CASE("Keras: a sum of what a layer is given and what follows is a skip, in whatever order it names them") {
    for (const auto& sources : {Names{"x", "b"}, Names{"b", "x"}})
        CHECK(row(model({x, layer("a", old_node({"x"})), layer("b", old_node({"a"})), add("y", old_node(sources))})) ==
              "x< a b +y");
    CHECK(row(model({x, layer("a", new_node({tensor("x")})),
                     add("s", new_node({{tensor("a"), tensor("x")}})), // a list, as a layer takes it
                     layer("b", new_node({tensor("s")})), add("y", new_node({tensor("b"), tensor("s")}))})) ==
          "x< a +s< b +y"); // as x + y is written
    CHECK(row(model({x, layer("a", old_node({"x"})), layer("b", old_node({"a"})), add("s", old_node({"a", "b"})),
                     add("y", old_node({"x", "s"}))})) == "x< a< b +s +y");
    CHECK(row(model({x, layer("a", old_node({"x"})), add("s", old_node({"a", "x"})),
                     add("y", old_node({"x", "s"}))})) == "x<< a +s +y");
}

TEST_CASE("Keras: sums that aren't skips are refused") {
    CHECK(
        refused(model({x, layer("a", old_node({"x"})), layer("b", old_node({"x"})), add("y", old_node({"a", "b"}))})) ==
        "the model's layers add what \"b\" gives, which isn't in the row of layers before");
    CHECK(refused(model({x, layer("a", old_node({"x"})), layer("b", old_node({"a"})), layer("c", old_node({"b"})),
                         add("s", old_node({"c", "x"})), add("y", old_node({"s", "a"}))})) ==
          "the model's layers add what \"a\" gives, which isn't in the row of layers before");
    CHECK(refused(model({x, layer("a", old_node({"y"})), add("y", old_node({"a", "x"}))})) ==
          "the model's layers are connected in a circle");
    CHECK(refused(model({x, layer("a", old_node({"x"})), add("y", old_node({"a", "x", "a"}))})) ==
          "layer \"y\" (Add): it has 3 inputs; only models whose layers stand in a row can be loaded");
}

TEST_CASE("Keras: a model inside a functional model may be counted as used once before") {
    Json inner = model({x, layer("y", old_node({"x"}))});
    inner["name"] = "m";
    inner["config"]["name"] = "m";
    inner["inbound_nodes"] = old_node({"x"});
    Json node = old_node({"m"});
    node[0][0][1] = 1;
    CHECK(row(model({x, inner, layer("y", node)})) == "x x y y");
    CHECK(refused(model({x, inner, layer("y", old_node({"x"})), layer("z", node)}, {{"x", 0, 0}}, {{"z", 0, 0}})) ==
          "layer \"y\" (Any): it is not in the row of layers from the model's input to its output");
    Json deep = inner;
    for (int k = 0; k < 20; ++k)
        deep = {{"class_name", "Sequential"}, {"config", {{"layers", {deep}}}}};
    CHECK(refused(deep) == "the model has models inside models, more than 16 deep");
}
