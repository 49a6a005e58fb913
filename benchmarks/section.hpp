// The parts of the report.
#pragma once

namespace benchmarks {

enum class Section { train, infer, stream, narrow, voices, precision, threads, sweep };

constexpr const char* name(Section section) {
    switch (section) {
    case Section::train:
        return "train";
    case Section::infer:
        return "infer";
    case Section::stream:
        return "stream";
    case Section::narrow:
        return "narrow";
    case Section::voices:
        return "voices";
    case Section::precision:
        return "precision";
    case Section::threads:
        return "threads";
    case Section::sweep:
        break;
    }
    return "sweep";
}

constexpr const char* title(Section section) {
    switch (section) {
    case Section::train:
        return "Training step: forward and backward, all gradients (GFLOP/s)";
    case Section::infer:
        return "Inference of whole sequences (GFLOP/s)";
    case Section::stream:
        return "Streaming, one sample at a time, with a dense layer (ns a sample)";
    case Section::narrow:
        return "Streaming with weights of 16 and 8 bits (ns a sample)";
    case Section::voices:
        return "64 voices in one step and as 64 Streams (ns a voice and sample)";
    case Section::precision:
        return "Training step in float and in double (GFLOP/s)";
    case Section::threads:
        return "Training step on one thread and on two (GFLOP/s)";
    case Section::sweep:
        break;
    }
    return "How the cost of a training step grows: one size at a time (GFLOP/s)";
}

} // namespace benchmarks
