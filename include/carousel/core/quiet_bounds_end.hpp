// The end of what quiet_bounds_begin.hpp begins.
#if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC diagnostic pop
#endif
