// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace lyceum {

/// A file compiled into the program: its path below the folder it was embedded from, and its bytes.
struct embedded_file {
  std::string_view name;
  std::string_view bytes;
};

} // namespace lyceum
