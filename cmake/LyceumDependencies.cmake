# Debian 12's packages. What each is for, and why it was chosen: CONTRIBUTING.md.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(CURL 7.85 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(date REQUIRED)
find_package(yaml-cpp REQUIRED)

# libcmark-dev's own CMake file also asks for the program `cmark`, which another package holds: pkg-config does not.
find_package(PkgConfig REQUIRED)
pkg_check_modules(cmark REQUIRED IMPORTED_TARGET libcmark)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(brotli REQUIRED IMPORTED_TARGET libbrotlienc libbrotlidec)

# libcaf-dev ships neither a CMake nor a pkg-config file.
if(NOT LYCEUM_WITHOUT_CAF)
  find_path(CAF_INCLUDE caf/all.hpp REQUIRED)
  find_library(CAF_CORE caf_core REQUIRED)
  add_library(caf_core SHARED IMPORTED)
  set_target_properties(caf_core PROPERTIES IMPORTED_LOCATION "${CAF_CORE}" INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${CAF_INCLUDE}")
  target_link_libraries(caf_core INTERFACE Threads::Threads)
endif()

find_path(MUSTACHE_INCLUDE kainjow/mustache.hpp REQUIRED)
add_library(kainjow_mustache INTERFACE)
target_include_directories(kainjow_mustache SYSTEM INTERFACE "${MUSTACHE_INCLUDE}")

if(LYCEUM_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()

find_path(TL_EXPECTED_INCLUDE tl/expected.hpp REQUIRED)
add_library(tl_expected INTERFACE)
target_include_directories(tl_expected SYSTEM INTERFACE "${TL_EXPECTED_INCLUDE}")
