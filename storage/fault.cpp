// SPDX-License-Identifier: Apache-2.0
#include "storage/fault.hpp"

namespace lyceum::storage {

std::string to_string(const fault& f) {
  std::string text = f.file;
  if (f.line > 0)
    text += ":" + std::to_string(f.line);
  if (!text.empty())
    text += ": ";
  return text + (f.how == fault::severity::error ? "error: " : "warning: ") + f.message;
}

} // namespace lyceum::storage
