# Warns a project that uses carousel and would compile it without optimisation by accident: its generator builds one configuration,
# and neither CMAKE_BUILD_TYPE nor a flag says how much to optimise. A project that says so (-DCMAKE_BUILD_TYPE=Debug) isn't warned.
function(carousel_warn_unless_optimised)
    get_directory_property(options DIRECTORY ${CMAKE_SOURCE_DIR} COMPILE_OPTIONS)
    if(CMAKE_BUILD_TYPE OR CMAKE_CONFIGURATION_TYPES OR "${CMAKE_CXX_FLAGS} ${options}" MATCHES "[-/]O")
        return()
    endif()
    get_property(warned GLOBAL PROPERTY carousel_warned_unless_optimised)
    if(warned)
        return()
    endif()
    set_property(GLOBAL PROPERTY carousel_warned_unless_optimised TRUE)
    message(WARNING "carousel: CMAKE_BUILD_TYPE is not set, so ${CMAKE_PROJECT_NAME} is compiled without optimisation and trains "
        "and streams up to 80 times slower. Configure with -DCMAKE_BUILD_TYPE=Release.")
endfunction()
