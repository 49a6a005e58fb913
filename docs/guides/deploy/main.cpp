// Plays a second of a sine through effect.cpp, a block at a time, and prints the last sample: the same on every processor.
#include <cmath>
#include <cstdio>

extern "C" void effect_process(float* block, int samples);

int main() {
    float block[64];
    for (int t = 0; t < 48000; t += 64) {
        for (int k = 0; k < 64; ++k)
            block[k] = std::sin(0.05f * static_cast<float>(t + k));
        effect_process(block, 64);
    }
    std::printf("last sample %.4f\n", static_cast<double>(block[63]));
}
