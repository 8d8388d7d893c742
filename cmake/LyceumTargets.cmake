# lyceum_library(name SOURCES … USES … HIDES …): target lyceum_<name>. USES is public, HIDES private, so that a library
# which should stay in one place cannot leak through a link. Sources are listed: a new file is a visible decision.
function(lyceum_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;HIDES" ${ARGN})
  add_library(lyceum_${name} STATIC ${arg_SOURCES})
  target_link_libraries(lyceum_${name} PUBLIC lyceum_compiler ${arg_USES} PRIVATE ${arg_HIDES})
endfunction()

# The allocator of our programs. One actor's thread allocates a message and another's frees it, which glibc's allocator is slow at
# and jemalloc is made for. Sanitizers bring their own.
add_library(lyceum_allocator INTERFACE)
if(NOT LYCEUM_SANITIZE)
  target_link_libraries(lyceum_allocator INTERFACE PkgConfig::jemalloc)
  target_link_options(lyceum_allocator INTERFACE -Wl,--no-as-needed) # nothing need call it by name
  target_compile_definitions(lyceum_allocator INTERFACE LYCEUM_JEMALLOC)
endif()

# A precompiled header that others reuse (see LYCEUM_PCH). `USES` gives it the include folders and flags.
function(lyceum_precompile name header)
  if(LYCEUM_PCH)
    file(WRITE "${CMAKE_BINARY_DIR}/pch/${name}.cpp" "")
    add_library(${name} OBJECT "${CMAKE_BINARY_DIR}/pch/${name}.cpp")
    target_link_libraries(${name} PRIVATE lyceum_compiler ${ARGN})
    target_precompile_headers(${name} PRIVATE ${header} <functional> <map> <memory> <string> <vector>)
  endif()
endfunction()

# The target's sources begin with that header.
function(lyceum_reuse target from)
  if(LYCEUM_PCH)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

# lyceum_test(name SOURCES … USES … [LABELS …] [TIMEOUT s]): one GoogleTest program, one ctest entry a file.
function(lyceum_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;USES;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lyceum_compiler ${arg_USES} GTest::gtest GTest::gtest_main GTest::gmock)
  lyceum_reuse(${name} lyceum_pch_gtest)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()

# lyceum_embed(target NAMESPACE ns VARIABLE name FILES …): files become a table of (name, bytes) compiled into `target`.
# Writes <name>.hpp and <name>.cpp into the binary folder: `std::span<const embedded_file> ns::name()`.
function(lyceum_embed target)
  cmake_parse_arguments(arg "" "NAMESPACE;VARIABLE;BASE" "FILES" ${ARGN})
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embedded/${arg_VARIABLE}.cpp")
  list(TRANSFORM arg_FILES PREPEND "${arg_BASE}/" OUTPUT_VARIABLE paths)
  add_custom_command(
    OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DBASE=${arg_BASE}" "-DFILES=${arg_FILES}" "-DNAMESPACE=${arg_NAMESPACE}"
            "-DVARIABLE=${arg_VARIABLE}" -P "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS ${paths} "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    VERBATIM)
  target_sources(${target} PRIVATE "${out}")
endfunction()

# lyceum_fuzz(name SOURCE file CORPUS folder USES …): with LYCEUM_FUZZ a libFuzzer program, `fuzz_<name>`; always a program and
# ctest entry `replay_<name>` that runs the kept inputs, so that what was found once stays found.
function(lyceum_fuzz name)
  cmake_parse_arguments(arg "" "SOURCE;CORPUS" "USES" ${ARGN})
  add_executable(replay_${name} ${arg_SOURCE} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp")
  target_link_libraries(replay_${name} PRIVATE lyceum_compiler ${arg_USES})
  add_test(NAME replay_${name} COMMAND replay_${name} "${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS}")
  set_tests_properties(replay_${name} PROPERTIES TIMEOUT 120 LABELS unit)
  if(LYCEUM_FUZZ)
    add_executable(fuzz_${name} ${arg_SOURCE})
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE lyceum_compiler ${arg_USES})
  endif()
endfunction()
