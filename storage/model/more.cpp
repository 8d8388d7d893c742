// SPDX-License-Identifier: Apache-2.0
#include "storage/model/more.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace lyceum {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed_right(std::string_view line) {
  return line.substr(0, line.find_last_not_of(blanks) + 1); // npos + 1 is 0
}

bool is_mark(std::string_view line) {
  line = trimmed_right(line);
  if (!line.starts_with("<!--") || !line.ends_with("-->") || line.size() < 7)
    return false;
  line = line.substr(4, line.size() - 7);
  const auto from = std::min(line.find_first_not_of(blanks), line.size());
  return trimmed_right(line.substr(from)) == "more";
}

/// A fence at most three columns in: its characters, or nothing.
std::string_view fence_of(std::string_view line) {
  const auto from = line.find_first_not_of(' ');
  if (from == std::string_view::npos || from > 3 || (line[from] != '`' && line[from] != '~'))
    return {};
  const auto end = std::min(line.find_first_not_of(line[from], from), line.size());
  if (end - from < 3 || (line[from] == '`' && line.find('`', end) != std::string_view::npos))
    return {};
  return line.substr(from, end - from);
}

struct html_block {
  bool open = false;
  std::string_view end{}; ///< what ends it; empty: an empty line
};

/// The HTML block that a line begins, if it does (CommonMark 0.30, 4.6).
html_block html_begun_by(std::string_view line) {
  const auto from = line.find_first_not_of(' ');
  if (from == std::string_view::npos || from > 3 || line[from] != '<')
    return {};
  line.remove_prefix(from);
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kinds = {
      {{"<!--", "-->"},
       {"<?", "?>"},
       {"<![CDATA[", "]]>"},
       {"<!", ">"},
       {"<pre", "</pre>"},
       {"<script", "</script>"},
       {"<style", "</style>"},
       {"<textarea", "</textarea>"}}};
  for (const auto& [begin, end] : kinds)
    if (line.starts_with(begin))
      return {true, end};
  return {true, {}};
}

} // namespace

std::optional<more_mark> find_more(std::string_view markdown) {
  std::string_view fence;
  html_block html;
  more_mark here;
  for (std::size_t at = 0; at < markdown.size(); ++here.line) {
    const auto end = std::min(markdown.find_first_of("\r\n", at), markdown.size());
    const auto line = markdown.substr(at, end - at);
    here.offset = at;
    at = end + (markdown.substr(end).starts_with("\r\n") ? 2 : 1);
    if (!fence.empty()) {
      const auto closing = fence_of(line);
      if (closing.size() >= fence.size() && closing.front() == fence.front() && trimmed_right(line).ends_with(closing))
        fence = {};
      continue;
    }
    if (!html.open) {
      if (is_mark(line))
        return here;
      fence = fence_of(line);
      if (fence.empty())
        html = html_begun_by(line);
    }
    const bool ends = html.end.empty() ? line.find_first_not_of(blanks) == std::string_view::npos
                                       : line.find(html.end) != std::string_view::npos;
    if (html.open && ends)
      html = {};
  }
  return {};
}

} // namespace lyceum
