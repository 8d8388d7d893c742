// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "views/markdown/passes.hpp"

namespace lyceum::views::markdown {

/// How a tree becomes HTML.
struct writing {
  const footnotes* notes = nullptr;
  const colours* colouring = nullptr;
  std::size_t bytes_max = 0;   ///< colours that do not fit are left out; text that does not fit is too_large
  std::string_view link_rel{}; ///< for every link of a comment
  std::size_t children_max = std::string::npos; ///< only so many blocks of the root
};

/// HTML of the root's children, footnotes at the end. `coloured` is false once a block of a known language is plain.
///   too_large  over `bytes_max`
expected<std::string> write(const node& root, const writing&, bool& coloured);

} // namespace lyceum::views::markdown
