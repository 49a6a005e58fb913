// Included last before a header's declarations, and quiet_bounds_end.hpp after them: GCC's -Wsign-conversion warns of every array whose
// bound is an int that depends on a template parameter, `V a[blocks]`, as if the constant might be negative. Clang knows better, and
// its -Wsign-conversion stays on.
#if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
