// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lyceum::storage {

/// Something about an author's file that the author should know.
struct fault {
  enum class severity {
    warning, ///< the file is taken as it is
    error,   ///< the file is not taken; the last good version stays
  };
  std::string file; ///< below the school's folder, with '/'
  int line = 0;     ///< from 1; 0: the file as a whole
  severity how = severity::error;
  std::string message;

  bool operator==(const fault&) const = default;
};

/// "courses/basics/01-intro.md:3: error: title is missing"
std::string to_string(const fault&);

} // namespace lyceum::storage
