// SPDX-License-Identifier: Apache-2.0
// The allow-lists themselves. Tests read them as well, to check what comes out.
#pragma once

#include "views/sanitize.hpp"

#include <string>
#include <string_view>

namespace lyceum::views::rules {

/// How a listed tag behaves.
struct tag {
  std::string_view name;
  std::string_view attributes; ///< its own, space-separated; those for all tags are elsewhere
  std::string_view parents;    ///< must be the innermost open tag, space-separated; empty: any
  bool empty = false;          ///< has no content and no end tag
  bool block = false;          ///< ends an open paragraph
  bool comment = false;        ///< in the shorter list too
};

/// Null when the tag is not listed.
const tag* find_tag(std::string_view name, allow_list list);

/// Tags whose content is dropped with them.
bool drops_content(std::string_view name);
/// Of those, the ones that hold raw text, which ends at their end tag only.
bool holds_raw_text(std::string_view name);

bool allows_attribute(const tag& tag, std::string_view attribute, allow_list list);

/// The value to write: `value` (decoded), or what is left of it (classes), or nothing: `keep` false.
struct checked {
  bool keep = false;
  bool flag = false; ///< written without a value
  std::string value;
};
checked check_attribute(const tag& tag, std::string_view attribute, std::string_view value, allow_list list);

/// http, https, mailto, tel, or no scheme at all. Looks at it as a browser does: controls and white space left out.
bool is_safe_url(std::string_view url, bool image);

/// An address with a scheme or a host of its own, read as a browser does. What a page loads by itself (`src`, `poster`) must
/// not be one: it would tell that host who reads here.
bool is_elsewhere(std::string_view url);

/// Is `word` in a space-separated list?
bool is_listed(std::string_view list, std::string_view word);

} // namespace lyceum::views::rules
