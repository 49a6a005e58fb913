// RTNeural plays a JSON file: the largest difference to what amp played. rtneural MODEL.json DRY.wav PLAYED.wav
#include "support/wav.hpp"

#include <RTNeural/RTNeural.h>

#include <cstdio>
#include <fstream>

int main(int argc, char** argv) {
    if (argc < 4)
        return 2;
    const auto dry = example::read_audio(argv[2]).samples, played = example::read_audio(argv[3]).samples;
    std::ifstream file(argv[1]);
    const auto model = RTNeural::json_parser::parseJson<float>(file);
    model->reset();
    double worst = 0;
    for (std::size_t k = 0; k < dry.size(); ++k)
        worst =
            std::max(worst, std::abs(static_cast<double>(model->forward(&dry[k])) - static_cast<double>(played[k])));
    std::printf("RTNeural: largest difference %.3g\n", worst);
    return worst <= 1e-5 ? 0 : 1;
}
