// A program of parts that are compiled for different instruction sets (CAROUSEL_PARTS): the numbers of those that this processor has.
#include <cstdio>
#include <string>

#define CAROUSEL_PART(name, supported) std::string numbers_of_##name();
CAROUSEL_PARTS
#undef CAROUSEL_PART

int main() {
#define CAROUSEL_PART(name, supported) \
    if (supported)                     \
        std::printf("%s %s\n", #name, numbers_of_##name().c_str());
    CAROUSEL_PARTS
}
