// SPDX-License-Identifier: Apache-2.0
// HTML as a browser reads it (gumbo, the HTML5 algorithm), so that the sanitiser is not judged by its own tokenizer.
#pragma once

#include "views/sanitize.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::tests {

struct seen_element {
  std::string tag; ///< with a prefix for other worlds: "svg:path"
  std::vector<std::pair<std::string, std::string>> attributes;
};

/// Every element of a fragment as a <div>'s content, in order; comments are elements named "#comment".
std::vector<seen_element> seen_by_browser(std::string_view html);

/// What must not be there: tags or attributes off the list, bad schemes, style, handlers, comments. One sentence each.
std::vector<std::string> faults(std::string_view html, views::allow_list list);

/// Start and end tags that do not match, by a plain count over text that is already escaped; empty when all do.
std::string unbalanced(std::string_view html);

/// The text that a reader sees.
std::string seen_text(std::string_view html);

} // namespace lyceum::tests
