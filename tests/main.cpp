// main() of the tests where Catch2 has none to link: version 2 as a single header.
#if !__has_include(<catch2/catch_all.hpp>)
#    define CATCH_CONFIG_MAIN
#    include <catch2/catch.hpp>
#endif
