import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"

# The libraries that a component needs, as Conan names them.
JSON, ZIP, HDF5, PROTOBUF = "nlohmann_json::nlohmann_json", "libzip::libzip", "hdf5::hdf5", "protobuf::libprotobuf"
COMPONENTS = {
    "safetensors": [JSON],
    "rtneural": [JSON],
    "guitarml": [JSON],
    "nam": [JSON],
    "pytorch": [ZIP, JSON],
    "keras": [HDF5, ZIP, JSON],
    "onnx": [PROTOBUF],
}
VERSIONS = {
    JSON: "nlohmann_json/[>=3.9 <4]",
    ZIP: "libzip/[>=1.9 <2]",
    HDF5: "hdf5/[>=1.12 <2]",
    PROTOBUF: "protobuf/[>=3.21 <7]",
}
FORMATS = ("pytorch", "keras", "onnx")


class CarouselConan(ConanFile):
    name = "carousel"
    description = "Recurrent networks on Eigen: train them, check them, stream them"
    license = "MIT"
    topics = ("recurrent-neural-networks", "lstm", "gru", "real-time", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    # nlohmann-json, header-only too, comes always; each of these brings what the component of its name needs.
    options = {name: [True, False] for name in FORMATS}
    default_options = {name: False for name in FORMATS}
    no_copy_source = True

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    @property
    def _components(self):
        return {name: needs for name, needs in COMPONENTS.items() if name not in FORMATS or self.options.get_safe(name)}

    def set_version(self):
        text = load(self, os.path.join(self._root, "include", "carousel", "carousel.hpp"))
        self.version = ".".join(re.search(rf"CAROUSEL_VERSION_{part} +(\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        for pattern in ("LICENSE", "include/*.hpp"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("eigen/[>=3.4 <6]")
        for library in dict.fromkeys(needed for needs in self._components.values() for needed in needs):
            self.requires(VERSIONS[library])

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "carousel")
        self.cpp_info.set_property("cmake_target_name", "carousel::all")  # carousel::carousel is the library without what formats need
        self._describe("carousel", ["eigen::eigen"])
        for name, needs in self._components.items():
            self._describe(name, ["carousel", *needs])

    def _describe(self, name, needs):
        component = self.cpp_info.components[name]
        component.set_property("cmake_target_name", f"carousel::{name}")
        component.set_property("pkg_config_name", "carousel" if name == "carousel" else f"carousel-{name}")
        component.bindirs = component.libdirs = []
        component.requires = needs
