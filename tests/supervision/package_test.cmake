# Installs the supervision library into an empty prefix, builds the example against that alone, and reads what it prints.
# Run by ctest: cmake -DROOT=… -DBUILD=… -DWORK=… -DVERSION=… -P package_test.cmake
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
set(prefix "${WORK}/prefix")

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out TIMEOUT 240)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what}: ${status}\n${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

run("install" ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}" --component lyceum-supervision)

# What is installed is whole, and knows nothing of schools.
file(GLOB_RECURSE headers RELATIVE "${prefix}/include/lyceum-supervision" "${prefix}/include/lyceum-supervision/*.hpp")
if(NOT "supervision/system.hpp" IN_LIST headers)
  message(FATAL_ERROR "no headers in ${prefix}: ${headers}")
endif()
foreach(header IN LISTS headers)
  if(header MATCHES "inside|supervisor_actor|control_commands")
    message(FATAL_ERROR "${header} is private")
  endif()
  file(STRINGS "${prefix}/include/lyceum-supervision/${header}" lines REGEX "^#include \"")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" path "${line}")
    if(NOT path IN_LIST headers)
      message(FATAL_ERROR "${header} includes ${path}, which is not installed")
    endif()
  endforeach()
endforeach()

# The example, moved away from the sources: all that it can find is the package.
file(COPY "${ROOT}/supervision/example" DESTINATION "${WORK}")
run("configure" ${CMAKE_COMMAND} -S "${WORK}/example" -B "${WORK}/build" -G Ninja -DCMAKE_BUILD_TYPE=Release
    "-DCMAKE_PREFIX_PATH=${prefix}" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
file(READ "${WORK}/build/compile_commands.json" commands)
if(commands MATCHES "${ROOT}[ \"]")
  message(FATAL_ERROR "the example sees the source tree:\n${commands}")
endif()
run("build" ${CMAKE_COMMAND} --build "${WORK}/build")
execute_process(COMMAND ${CMAKE_COMMAND} -E env ./shop WORKING_DIRECTORY "${WORK}/build" RESULT_VARIABLE status
                OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 60)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the example ended with ${status}:\n${said}")
endif()
foreach(line "till holds 250" "log: till crash: negative price (restart)" "healed, holds 100" "last crash: negative price"
        "Ada: ok" "Grace: ok" "Joe: max_children" "active: 2" "\"generation\":2")
  string(FIND "${said}" "${line}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "the example does not say '${line}':\n${said}")
  endif()
endforeach()

# Another version is refused.
file(WRITE "${WORK}/wrong/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)\nproject(wrong LANGUAGES CXX)
find_package(lyceum-supervision 99 REQUIRED)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S "${WORK}/wrong" -B "${WORK}/wrong/build" -G Ninja "-DCMAKE_PREFIX_PATH=${prefix}"
                RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE told)
if(status EQUAL 0 OR NOT told MATCHES "version: ${VERSION}")
  message(FATAL_ERROR "version 99 was not refused: ${told}")
endif()
message("installed, found, built, run")
