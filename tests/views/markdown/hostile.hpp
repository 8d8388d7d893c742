// SPDX-License-Identifier: Apache-2.0
// Families of input that some Markdown library has needed quadratic time or space for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::tests {

struct family {
  std::string_view name;
  std::string (*make)(std::size_t bytes); ///< about so many bytes, never more
};

const std::vector<family>& hostile_families();

/// `piece` as often as it fits.
std::string repeated(std::string_view piece, std::size_t bytes);

} // namespace lyceum::tests
