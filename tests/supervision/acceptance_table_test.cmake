# Fails where an acceptance case of OTP's supervisor_SUITE, or of ours, has no test on the engine or none on real actors.
# A test names its cases: case_07_…, case_06_and_07_…, case_23_to_28_…. Run by ctest: cmake -DFOLDER=… -P acceptance_table_test.cmake
# Numbers that the specification leaves out: 17 22 31 42 48 49 51 54 56 58 59 61 63 67 68 71.
set(cases 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 18 19 20 21 23 24 25 26 27 28 29 30 32 33 34 35 36 37 38 39 40 41 43 44 45 46 47
    50 52 53 55 57 60 62 64 65 66 69 70 72 73 74 75 76 77 78 79 80 81 82 83 84)
# What makes sense on one side only, and why.
set(not_on_engine
    73  # a killed supervisor decides nothing: its parent waits for its descendants
    75  # .then is CAF's
    77  # mailboxes are CAF's
    78  # so are hooks
    79  # and addresses
    83  # the report's contents are the adapter's
    84) # suspension is the child's own
set(not_on_actors)

cmake_minimum_required(VERSION 3.25)

function(cases_in result)
  set(found "")
  foreach(file IN LISTS ARGN)
    file(STRINGS "${file}" lines REGEX "^TEST(_F)?\\(.*case_[0-9]")
    foreach(line IN LISTS lines)
      if(NOT line MATCHES "case_([0-9]+)(_(and|to)_([0-9]+))?")
        continue()
      endif()
      set(first "${CMAKE_MATCH_1}")
      set(word "${CMAKE_MATCH_3}")
      set(last "${CMAKE_MATCH_4}")
      string(REGEX REPLACE "^0+" "" first "${first}")
      string(REGEX REPLACE "^0+" "" last "${last}")
      if(word STREQUAL "to")
        foreach(one RANGE ${first} ${last})
          list(APPEND found ${one})
        endforeach()
      else()
        list(APPEND found ${first} ${last})
      endif()
    endforeach()
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

file(GLOB engine_files "${FOLDER}/engine_*.cpp" "${FOLDER}/route_test.cpp")
file(GLOB actor_files "${FOLDER}/acceptance_*.cpp" "${FOLDER}/tree_*.cpp")
cases_in(on_engine ${engine_files})
cases_in(on_actors ${actor_files})
set(missing 0)
foreach(one IN LISTS cases)
  foreach(side engine actors)
    if(NOT one IN_LIST on_${side} AND NOT one IN_LIST not_on_${side})
      message("case ${one} has no test on the ${side}")
      math(EXPR missing "${missing} + 1")
    endif()
  endforeach()
endforeach()
if(missing GREATER 0)
  message(FATAL_ERROR "${missing} acceptance tests are missing")
endif()
list(LENGTH cases count)
message("${count} acceptance cases, each tested on the engine and on actors")
