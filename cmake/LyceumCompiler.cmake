# One place for flags: every target of ours links `lyceum_compiler`.
add_library(lyceum_compiler INTERFACE)
target_include_directories(lyceum_compiler INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(lyceum_compiler INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers) # designated initialisers name what differs from the defaults
if(LYCEUM_WERROR)
  target_compile_options(lyceum_compiler INTERFACE -Werror)
endif()

if(LYCEUM_HARDEN)
  # The list and its reasons: SECURITY.md. `checksec --file=build/release/ops/lyceum` shows the result.
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection=full
                      -ftrivial-auto-var-init=zero -fPIE)
  add_compile_definitions(_FORTIFY_SOURCE=3 _GLIBCXX_ASSERTIONS)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
endif()

if(LYCEUM_SANITIZE)
  # CAF's function-spawned actors bind null references (measured), hence -fno-sanitize=null.
  add_compile_options(-fsanitize=${LYCEUM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LYCEUM_SANITIZE})
  # libstdc++'s own checks of indices and empty optionals. Not _GLIBCXX_DEBUG: it changes the layout of containers, and Debian's
  # libcaf, GoogleTest, yaml-cpp and others, which take and give them, are built without it.
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  # GCC's manual: sanitizers make this warning see what is not there (std::regex, std::function, std::optional).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  if(LYCEUM_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=null)
  endif()
endif()

if(LYCEUM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # libraries count their branches too; only fuzz targets have its main
endif()

# ccache and precompiled headers together: GCC must keep macros in preprocessed output, and ccache must be told
# that a precompiled header's defines and times are not part of a result.
if(LYCEUM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${LYCEUM_CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
endif()

# One code model for libraries and programs, so that both can share a precompiled header.
if(LYCEUM_PCH)
  add_compile_options(-fPIE)
  add_link_options(-pie)
else()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
