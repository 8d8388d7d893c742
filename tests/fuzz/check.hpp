// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the program where a property of a fuzz target does not hold; libFuzzer keeps the input.
#define FUZZ_CHECK(what)                                                                                               \
  do {                                                                                                                 \
    if (!(what)) {                                                                                                     \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);                                    \
      std::abort();                                                                                                    \
    }                                                                                                                  \
  } while (false)
