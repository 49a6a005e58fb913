include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/carousel)

install(TARGETS carousel EXPORT carousel INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/carousel DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT carousel NAMESPACE carousel:: FILE carouselTargets.cmake DESTINATION ${package_folder})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_for ARCH_INDEPENDENT)
if(TARGET carousel_compiled AND (CAROUSEL_BUILD_COMPILED OR BUILD_SHARED_LIBS)) # not what the project's own programs have within them
    set(package_for "") # of this architecture
    install(TARGETS carousel_compiled EXPORT carousel_compiled
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(EXPORT carousel_compiled NAMESPACE carousel:: FILE carouselCompiledTargets.cmake DESTINATION ${package_folder})
endif()

configure_package_config_file(cmake/carouselConfig.cmake.in ${PROJECT_BINARY_DIR}/carouselConfig.cmake
    INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/carouselConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ${package_for})
install(FILES ${PROJECT_BINARY_DIR}/carouselConfig.cmake ${PROJECT_BINARY_DIR}/carouselConfigVersion.cmake
    cmake/carouselOptimised.cmake cmake/carouselFormats.cmake
    DESTINATION ${package_folder})

# For builds without CMake; a folder that is absolute already is no part of the prefix.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
cmake_path(APPEND pc_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(cmake/carousel.pc.in ${PROJECT_BINARY_DIR}/carousel.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/carousel.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
