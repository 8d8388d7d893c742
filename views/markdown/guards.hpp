// SPDX-License-Identifier: Apache-2.0
// What is refused before cmark sees a byte, since cmark 0.30.2 has inputs whose time grows with the square of their
// size.
#pragma once

#include "storage/model/expected.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views::markdown {

/// Images that a text may open. `![[]()` repeated makes cmark compare each link with every open image: 256 KiB took 3
/// s.
inline constexpr std::size_t images_max = 2'000;
/// Container markers on one line before a text is refused unread. The exact rule (`containers_max`) is checked on the
/// tree; this one only keeps cmark's time in bounds, and leaves code such as `>>>>>>>` alone.
inline constexpr int markers_max = 40;
/// Columns of white space before a line's last container marker: lists nest by indentation too.
inline constexpr int indentation_max = 100;

/// A text made ready for cmark: line ends are "\n", NUL is U+FFFD, and one mark stands before an
/// escaped `~` or `[` (cmark forgets that they were escaped), two before a footnote definition (cmark would take some
/// for link definitions). Passes take the marks out again.
struct prepared {
  std::string source;
  std::string mark; ///< a punctuation character that the author did not use
};

///   too_large  more bytes, nested containers or images than allowed
///   invalid    not UTF-8
expected<prepared> prepare(std::string_view markdown, std::size_t bytes_max);

/// "line 12 nests …": how a refusal says where, so that `refusal_of` finds it again.
inline std::string at_line(int line, std::string_view what) {
  return "line " + std::to_string(line) + " " + std::string(what);
}

/// Lines of `text`, without their ends.
std::vector<std::string_view> lines_of(std::string_view text);

/// True when `text` is well-formed UTF-8 (RFC 3629: no surrogates, no long forms).
bool is_utf8(std::string_view text);

/// Takes every `mark` out of `text`.
void unmark(std::string& text, std::string_view mark);

} // namespace lyceum::views::markdown
