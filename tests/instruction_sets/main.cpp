// A program of parts that are compiled for different instruction sets (CAROUSEL_PARTS): the numbers of each, and that of its threads after
// each has asked for one more.
#include <cstdio>
#include <string>

#define CAROUSEL_PART(name)          \
    std::string numbers_of_##name(); \
    int one_thread_more_for_##name();
CAROUSEL_PARTS
#undef CAROUSEL_PART

int main() {
#define CAROUSEL_PART(name) std::printf("%s %s\n", #name, numbers_of_##name().c_str());
    CAROUSEL_PARTS
#undef CAROUSEL_PART
    int threads = 0;
#define CAROUSEL_PART(name) threads = one_thread_more_for_##name();
    CAROUSEL_PARTS
    std::printf("threads %d\n", threads);
}
