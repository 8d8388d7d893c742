// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace lyceum {

/// Where the part ends that everyone may read.
struct more_mark {
  std::size_t offset = 0; ///< of the mark's line
  int line = 1;           ///< the same, counted from 1
};

/// The first `<!-- more -->` that counts: alone on its line, at the line's beginning, in no code fence and in no HTML. The importer
/// and the renderer both ask here, so that what one opens the other does not lock.
std::optional<more_mark> find_more(std::string_view markdown);

} // namespace lyceum
