#include "catch.hpp"

#if __has_include(<nlohmann/json.hpp>)

#    include "carousel/io/safetensors_file.hpp"
#    include "io/folder.hpp"

#    include <atomic>
#    include <chrono>
#    include <cmath>
#    include <thread>

#    ifndef _WIN32
#        include <sys/stat.h>
#    endif

using namespace carousel;
using namespace carousel::test;

namespace {

/// A file of this header and these bytes of data.
std::string file_of(const std::string& header, std::size_t data = 0) {
    return length_bytes(header.size()) + header + std::string(data, 'x');
}

} // namespace

TEST_CASE("safetensors: a file that this library didn't write is read") {
    const Safetensors file = read_safetensors(std::string(CAROUSEL_TEST_DATA) + "/example.safetensors");
    CHECK(file.metadata == Metadata{{"format", "pt"}, {"näme", "tab\t, quote \", 中"}});
    REQUIRE(file.tensors.size() == 5);
    using Shape = std::vector<Index>;
    using Doubles = std::vector<double>;
    CHECK(file.tensors[0].name == "0.Dense.W"); // in the order of the data
    CHECK(file.find("0.Dense.W")->matrix<float>() == Matrix<float>{{1, 2, 3}, {4, 5, 6}});
    CHECK(file.find("0.Dense.b")->shape == Shape{2});
    CHECK(std::signbit(file.find("0.Dense.b")->matrix<float>()(0, 0)));
    CHECK(std::isinf(file.find("0.Dense.b")->matrix<float>()(1, 0)));
    CHECK(file.find("double")->shape == Shape{2, 2, 1});
    CHECK(file.find("double")->dtype() == std::string("F64"));
    CHECK(std::get<Doubles>(file.find("double")->numbers) == Doubles{0.1, 0.2, 0.3, -1e300});
    CHECK(file.find("none")->shape == Shape{0, 5});
    CHECK(file.find("none")->matrix<float>().cols() == 5);
    CHECK(file.find("scalar")->matrix<double>()(0, 0) == 7.5);
    CHECK_THROWS_WITH(file.find("double")->matrix<double>(),
                      "NamedTensor::matrix: \"double\" is of type F64 with 3 dimensions, expected F64 and at most 2");
    CHECK_THROWS_WITH(file.find("scalar")->matrix<float>(),
                      "NamedTensor::matrix: \"scalar\" is of type F64 with 0 dimensions, expected F32 and at most 2");
    CHECK_THROWS_WITH((NamedTensor{"x", {2, 3}, std::vector<float>(5)}.matrix<float>()),
                      "NamedTensor::matrix: \"x\" has 5 numbers, expected 2 × 3");
}

TEST_CASE("safetensors: tensors of one's own are written and read, each aligned to its size") {
    const Folder folder;
    const Matrix<double> m{{1, 2}, {3, 4}, {5, 6}};
    const Vector<float> v = Vector<float>::LinSpaced(3, 1, 3);
    write_safetensors(folder / "a",
                      {{"v", v}, {"m", m}, {"none", {2, 0, 3}, std::vector<float>()}, {"one", {}, std::vector{2.5}}});
    const Safetensors file = read_safetensors(folder / "a");
    REQUIRE(file.tensors.size() == 4);
    CHECK(file.find("v")->shape == std::vector<Index>{3});
    CHECK(file.find("v")->matrix<float>() == v);
    CHECK(file.find("m")->matrix<double>() == m);
    CHECK(file.find("none")->shape == std::vector<Index>{2, 0, 3});
    CHECK(file.find("one")->shape.empty());
    CHECK(file.tensors[2].name == "v"); // after the doubles
    const std::string bytes = content(folder / "a");
    const std::uint64_t length = header_length(bytes);
    CHECK(length % 8 == 0);
    CHECK(bytes.size() == 8 + length + 6 * 8 + 8 + 3 * 4);

    write_safetensors(folder / "a", {});
    CHECK(read_safetensors(folder / "a").tensors.empty());
}

TEST_CASE("safetensors: a malformed file is refused with what is wrong") {
    const Folder folder;
    const fs::path path = folder / "m.safetensors";
    const auto refused = [&](const std::string& bytes, const std::string& message) {
        put(path, bytes);
        CHECK(error<std::runtime_error>([&] { read_safetensors(path); }) ==
              "read_safetensors: " + path.string() + ": " + message);
    };
    const auto tensor = [](const std::string& shape, const std::string& offsets, const std::string& dtype = "F32") {
        return R"({"x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
    };

    refused("", "has 0 bytes, expected the header's length in the first 8");
    refused("1234567", "has 7 bytes, expected the header's length in the first 8");
    refused(std::string("\x03\0\0\0\0\0\0\0{}", 10),
            "the header is said to have 3 bytes, the file has 2 after the first 8");
    refused(std::string("\1\xe1\xf5\5\0\0\0\0{}", 10),
            "the header is said to have 100000001 bytes, expected at most 100000000");
    refused(std::string(8, '\xff') + "{}",
            "the header is said to have 18446744073709551615 bytes, expected at most 100000000");
    refused(file_of(""), "the header doesn't begin with {");
    refused(file_of(" {}"), "the header doesn't begin with {");
    refused(file_of("[]"), "the header doesn't begin with {");
    refused(file_of("{"), "the header isn't JSON: byte 2 is wrong");
    refused(file_of("{} x"), "the header isn't JSON: byte 4 is wrong");
    refused(file_of("{\"\xff\":1}"), "the header isn't JSON: byte 3 is wrong");
    refused(file_of(std::string("{}\0{", 4)), "the header isn't JSON: byte 3 is wrong");
    refused(file_of(R"({"a":1e999})"), "the header has a number that is too large");
    refused(file_of(R"({"a":[[[[1]]]]})"), "the header is nested too deeply");
    refused(file_of(std::string(R"({"a":)") + std::string(100000, '[')), "the header is nested too deeply");
    refused(file_of(R"({"__metadata__":{},"__metadata__":{}})"), "\"__metadata__\" is twice in the header");
    refused(file_of(R"({"__metadata__":{"a":"","a":""}})"), "\"a\" is twice in the header");
    refused(file_of(R"({"__metadata__":"a"})"), "__metadata__ is no object of strings");
    refused(file_of(R"({"__metadata__":{"a":1}})"), "__metadata__ has \"a\", which is no string");

    refused(file_of(R"({"__metadata__":{"a":{"b":""}}})"), "__metadata__ has \"a\", which is no string");
    refused(file_of(R"({"__metadata__":["a"]})"), "__metadata__ is no object of strings");

    refused(file_of(R"({"x":{"dtype":"F32","dtype":"F32"}})"), "\"dtype\" is twice in the header");
    refused(file_of(R"({"x":{"shape":[],"shape":[]}})"), "\"shape\" is twice in the header");
    refused(file_of(R"({"x":{"data_offsets":[],"data_offsets":[]}})"), "\"data_offsets\" is twice in the header");
    const std::string none = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
    refused(file_of(R"({"x":)" + none + R"(,"y":)" + none + R"(,"x":)" + none + "}"), "\"x\" is twice in the header");
    refused(file_of(R"({"x":1})"), "\"x\" has no dtype");
    refused(file_of(R"({"x":{"shape":[],"data_offsets":[0,0]}})"), "\"x\" has no dtype");
    refused(file_of(R"({"x":{"dtype":4,"shape":[],"data_offsets":[0,0]}})"), "\"x\" has no dtype");
    refused(file_of(R"({"x":{"dtype":"F32"}})"), "\"x\" has no shape of whole numbers");
    for (const char* const shape : {"1", "[-1]", "[1.0]", "[true]", "[null]", "[18446744073709551616]", "{\"a\":1}"})
        refused(file_of(tensor(shape, "[0,4]"), 4), "\"x\" has no shape of whole numbers");
    for (const char* const offsets : {"4", "[]", "[0]", "[0,4,8]", "[-4,0]", "[0,4.0]", "[0,\"4\"]"})
        refused(file_of(tensor("[1]", offsets), 4), "\"x\" has no data_offsets of two whole numbers");
    refused(file_of(R"({"x":{"dtype":"F32","shape":[1]}})", 4), "\"x\" has no data_offsets of two whole numbers");
    for (const std::string dtype : {"BF16", "I64", "f32", ""})
        refused(file_of(tensor("[1]", "[0,4]", dtype), 4), "\"x\" is of type " + dtype + ", expected F32 or F64");
    refused(file_of(tensor("[2]", "[0,8]"), 4), "\"x\" has data_offsets [0, 8], expected begin <= end <= 4");
    refused(file_of(tensor("[1]", "[4,0]"), 4), "\"x\" has data_offsets [4, 0], expected begin <= end <= 4");
    refused(file_of(tensor("[1]", "[18446744073709551612,0]"), 4),
            "\"x\" has data_offsets [18446744073709551612, 0], expected begin <= end <= 4");
    refused(file_of(tensor("[2]", "[0,4]"), 4), "\"x\" has 4 bytes of data, expected 8 for shape [2] of F32");
    refused(file_of(tensor("[1,1]", "[0,4]", "F64"), 4),
            "\"x\" has 4 bytes of data, expected 8 for shape [1,1] of F64");
    for (const std::string shape : {"[4294967296,4294967296]", "[4611686018427387904]", "[9223372036854775807,3]",
                                    "[1152921504606846976,1152921504606846976,0]", "[0,9223372036854775808]"})
        refused(file_of(tensor(shape, "[0,0]")), "\"x\" has shape " + shape + ", which is more than memory can be");

    const auto two = [](const std::string& a, const std::string& b) {
        return R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + a +
               R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)" + b + "}}";
    };
    refused(file_of(two("[0,4]", "[8,12]"), 12),
            "the data of \"b\" begins at byte 8, expected 4, where the data before it ends");
    refused(file_of(two("[2,6]", "[0,4]"), 8),
            "the data of \"a\" begins at byte 2, expected 4, where the data before it ends");
    refused(file_of(two("[4,8]", "[8,12]"), 12),
            "the data of \"a\" begins at byte 4, expected 0, where the data before it ends");
    refused(file_of(two("[4,8]", "[0,4]"), 9), "the header speaks of 8 bytes of data, there are 9");
    refused(file_of("{}", 1), "the header speaks of 0 bytes of data, there are 1");

    const auto reason = std::make_error_code(std::errc::no_such_file_or_directory).message();
    CHECK_THROWS_WITH(read_safetensors(folder / "none"),
                      "read_safetensors: " + (folder / "none").string() + ": can't be opened: " + reason);
    CHECK_THROWS_WITH(read_safetensors(folder / ""), "read_safetensors: " + (folder / "").string() +
                                                         ": is no regular file: a folder, a pipe or a device");
}

TEST_CASE("safetensors: what a tensor has besides its type, shape and place is passed over") {
    const std::string bytes =
        file_of(R"({"x":{"a":[1,"dtype",null],"dtype":"F32","":{"shape":2,"b":"c"},"shape":[1],"c":1.5,)"
                R"("data_offsets":[0,4],"d":true}})",
                4);
    const Safetensors file = read_safetensors(std::as_bytes(std::span(bytes)));
    REQUIRE(file.tensors.size() == 1);
    CHECK(file.tensors[0].name == "x");
    CHECK(file.tensors[0].shape == std::vector<Index>{1});
}

TEST_CASE("safetensors: what can't be written is refused, and the old file stays") {
    const Folder folder;
    const fs::path path = folder / "m";
    put(path, "old");
    const Vector<float> v = Vector<float>::Zero(2);
    const auto refused = [&](const std::vector<NamedTensor>& tensors, const Metadata& metadata,
                             const std::string& message) {
        CHECK(error<std::invalid_argument>([&] { write_safetensors(path, tensors, metadata); }) ==
              "write_safetensors: " + message);
        CHECK(content(path) == "old");
        CHECK(folder.files() == 1);
    };
    refused({{"a", v}, {"a", v}}, {}, "\"a\" is there twice");
    refused({{"__metadata__", v}}, {}, "no tensor can have the name __metadata__");
    refused({{"__metadata__", v}}, {{"a", "b"}}, "no tensor can have the name __metadata__");
    refused({{"a", {3}, std::vector<float>(2)}}, {}, "\"a\" has 2 numbers, which don't fit its shape, 3");
    refused({{"a", {-1, -2}, std::vector<float>(2)}}, {}, "\"a\" has 2 numbers, which don't fit its shape, -1 × -2");
    refused({{"a", {}, std::vector<double>()}}, {}, "\"a\" has 0 numbers, which don't fit its shape, a single number");
    refused({{"\xff", v}}, {}, "a name or the metadata isn't UTF-8");
    refused({}, {{"a", "\xc3"}}, "a name or the metadata isn't UTF-8");
    refused({}, {{"a", std::string(100'000'000, 'b')}}, "the header has 100000032 bytes, expected at most 100000000");
}

TEST_CASE("safetensors: a file in memory is written and read as one on the disk") {
    const Folder folder;
    const std::vector<NamedTensor> tensors{{"v", Vector<float>::LinSpaced(3, 1, 3)},
                                           {"m", Matrix<double>{{1, 2}, {3, 4}, {5, 6}}}};
    const Metadata metadata{{"a", "b"}};
    const std::vector<std::byte> bytes = safetensors_bytes(tensors, metadata);
    write_safetensors(folder / "a", tensors, metadata);
    CHECK(content(folder / "a") == std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));

    const Safetensors file = read_safetensors(bytes);
    CHECK(file.metadata == metadata);
    REQUIRE(file.tensors.size() == 2);
    CHECK(file.find("m")->matrix<double>() == Matrix<double>{{1, 2}, {3, 4}, {5, 6}});
    CHECK(file.find("v")->matrix<float>() == Matrix<float>{{1}, {2}, {3}});
    CHECK_THROWS_WITH(read_safetensors(std::span(bytes).first(7)),
                      "read_safetensors: memory: has 7 bytes, expected the header's length in the first 8");
    CHECK_THROWS_WITH(read_safetensors(std::span(bytes).first(bytes.size() - 1)),
                      "read_safetensors: memory: \"v\" has data_offsets [48, 60], expected begin <= end <= 59");
    CHECK_THROWS_WITH(safetensors_bytes({{"\xff", Vector<float>::Zero(1)}}),
                      "safetensors_bytes: a name or the metadata isn't UTF-8");
}

TEST_CASE("safetensors: time is linear in the size of the header") {
    // A second or more, and not hundredths of one, if it were quadratic; the bound leaves room for sanitizers.
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    std::vector<NamedTensor> tensors;
    for (int k = 0; k < 40'000; ++k)
        tensors.emplace_back(std::to_string(k), Vector<float>::Constant(1, static_cast<float>(k)));
    const Safetensors file = read_safetensors(safetensors_bytes(tensors));
    REQUIRE(file.tensors.size() == 40'000);
    CHECK(file.find("39999")->matrix<float>()(0, 0) == 39'999);

    std::string header = "{\"a\":[{}"; // of 1 MB
    while (header.size() < 1'000'000)
        header += ",{}";
    const std::string bytes = file_of(header + "]}");
    CHECK_THROWS_WITH(read_safetensors(std::as_bytes(std::span(bytes))),
                      "read_safetensors: memory: \"a\" has no dtype");
    CHECK(Clock::now() - start < std::chrono::seconds(10));
}

#    if !defined(_WIN32) && !defined(__EMSCRIPTEN__) // which have no pipes with a name, or no threads

TEST_CASE("safetensors: a pipe or a device is refused at once") {
    const Folder folder;
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    for (const fs::path& path : {folder / "pipe", fs::path("/dev/zero"), fs::path("/dev/null")})
        CHECK(error<std::runtime_error>([&] { read_safetensors(path); }) ==
              "read_safetensors: " + path.string() + ": is no regular file: a folder, a pipe or a device");
}

TEST_CASE("safetensors: a reader beside a writer sees the old file or the new one") {
    const Folder folder;
    const fs::path path = folder / "m";
    const auto write = [&](float value) {
        write_safetensors(path, {{"v", Vector<float>::Constant(value < 2 ? 1000 : 2000, value)}});
    };
    write(1);
    std::atomic<bool> ends = false;
    std::thread writer([&] {
        while (!ends)
            write(2), write(1);
    });
    int wrong = 0;
    std::string message;
    for (int k = 0; k < 500; ++k)
        message += error<std::runtime_error>([&] {
            const Matrix<float> v = read_safetensors(path).find("v")->matrix<float>();
            wrong += !(v.array() == v(0, 0)).all() || v.size() != (v(0, 0) < 2 ? 1000 : 2000);
        });
    ends = true;
    writer.join();
    CHECK(message.empty());
    CHECK(wrong == 0);
}

#    endif

#endif
