// SPDX-License-Identifier: Apache-2.0
// Between the two notations of front matter and its schema. For storage/front_matter*.cpp alone.
#pragma once

#include "storage/fault.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage {

struct raw_entry {
  enum class shape { nothing, scalar, list, other };
  std::string key;
  int line = 1;
  shape what = shape::nothing;
  std::string scalar;
  std::vector<std::string> items;
};

struct raw_map {
  std::vector<raw_entry> entries;
  std::vector<fault> faults;
};

inline fault error_at(int line, std::string message) {
  return {{}, line, fault::severity::error, std::move(message)};
}
inline fault warning_at(int line, std::string message) {
  return {{}, line, fault::severity::warning, std::move(message)};
}

/// The inside of `%{ … }`, whose first byte stands in `line`.
raw_map read_elixir_map(std::string_view inside, int line);

} // namespace lyceum::storage
