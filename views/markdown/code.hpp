// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "views/markdown/tree.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views::markdown {

/// A language that we know: its name in classes and hashes, what readers see, and its name for the `highlight` program.
struct language {
  std::string_view name;
  std::string_view label;
  std::string_view syntax;
};

/// By the first word of an info string, any case, aliases too ("ex", "console"); null for others.
const language* find_language(std::string_view word);
/// By `name` only.
const language* language_named(std::string_view name);

/// SHA-256 of language, NUL, code, as 64 hexadecimal digits.
std::string code_hash(std::string_view language, std::string_view code);

/// Lines that an info string marks, "elixir {1,3-5}", from 1, sorted; at most 1,000.
std::vector<int> marked_lines(std::string_view info);

/// Wraps lines of what stands inside <code> in <mark class="line">; spans that cross a line's end are closed and opened
/// again.
std::string mark_lines(std::string_view html, const std::vector<int>& lines);

} // namespace lyceum::views::markdown
