# Runs packaging/vcpkg/portfile.cmake as vcpkg would, with what it calls of vcpkg in its plainest form:
#   cmake -DFOLDER=<folder> -P tests/package/vcpkg.cmake        the package is in <folder>/carousel
set(PORT carousel)
set(CURRENT_PACKAGES_DIR ${FOLDER}/${PORT})
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR})

function(run)
    execute_process(COMMAND ${CMAKE_COMMAND} ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
    run(-G Ninja -S ${arg_SOURCE_PATH} -B ${FOLDER}/build --install-prefix ${CURRENT_PACKAGES_DIR} -DCMAKE_BUILD_TYPE=Release ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
    run(--install ${FOLDER}/build)
endfunction()

function(vcpkg_cmake_config_fixup) # package files are in share/<port>, one folder nearer to the prefix
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
    file(RENAME ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH} ${CURRENT_PACKAGES_DIR}/share/${PORT})
    file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/share/cmake)
    file(GLOB files ${CURRENT_PACKAGES_DIR}/share/${PORT}/*.cmake)
    foreach(file IN LISTS files)
        file(READ ${file} text)
        string(REPLACE "/../../../\" ABSOLUTE" "/../../\" ABSOLUTE" text "${text}")
        string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nif(" "if(" text "${text}")
        file(WRITE ${file} "${text}")
    endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
    file(READ ${CURRENT_PACKAGES_DIR}/share/pkgconfig/${PORT}.pc text)
    if(text MATCHES "${CURRENT_PACKAGES_DIR}")
        message(FATAL_ERROR "the pkg-config file can't be moved")
    endif()
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
    file(INSTALL ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT} RENAME copyright)
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/../../packaging/vcpkg/portfile.cmake)

file(READ ${CMAKE_CURRENT_LIST_DIR}/../../packaging/vcpkg/vcpkg.json text)
string(JSON version GET "${text}" version)
file(STRINGS ${CURRENT_PACKAGES_DIR}/share/pkgconfig/${PORT}.pc line REGEX "^Version: ")
if(NOT line STREQUAL "Version: ${version}")
    message(FATAL_ERROR "packaging/vcpkg/vcpkg.json has version ${version}, the library ${line}")
endif()
