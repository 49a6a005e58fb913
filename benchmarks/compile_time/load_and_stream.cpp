// What a program compiles that runs a model of a file sample by sample, with carousel::compiled.
#include <carousel/io/load_model.hpp>
#include <carousel/stream/stream.hpp>

#include <cstdio>

int main(int, char** arguments) {
    const auto model = carousel::load_model<float>(arguments[1]);
    carousel::Stream stream{model};
    float x = 0;
    while (std::scanf("%f", &x) == 1)
        std::printf("%g\n", static_cast<double>(stream(x)));
}
