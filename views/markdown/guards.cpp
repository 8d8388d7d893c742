// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/guards.hpp"

#include "views/markdown/tree.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace lyceum::views::markdown {
namespace {

/// Punctuation of scripts long gone, known as punctuation to cmark, so that a mark does not change what is emphasis.
constexpr std::array<std::string_view, 5> marks = {
    "\xF0\x90\xA9\xBF", // U+10A7F Old South Arabian numeric indicator
    "\xF0\x90\xA4\x9F", // U+1091F Phoenician word separator
    "\xF0\x90\xA4\xBF", // U+1093F Lydian triangular mark
    "\xF0\x90\xA1\x97", // U+10857 Imperial Aramaic section sign
    "\xF0\x90\x8F\x90", // U+103D0 Old Persian word divider
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Length of the container marker at `at` ("> ", "- ", "1. "), 0 when there is none.
std::size_t marker_length(std::string_view line, std::size_t at) {
  const auto ends = [&](std::size_t p) { return p == line.size() || line[p] == ' ' || line[p] == '\t'; };
  const char c = line[at];
  if (c == '>')
    return 1;
  if ((c == '-' || c == '+' || c == '*') && ends(at + 1))
    return 1;
  std::size_t p = at;
  while (p < line.size() && p - at < 9 && is_digit(line[p]))
    ++p;
  if (p > at && p < line.size() && (line[p] == '.' || line[p] == ')') && ends(p + 1))
    return p + 1 - at;
  return 0;
}

/// Where a thematic break ("- - -") would have to start to reach the end of this line.
std::size_t rule_start(std::string_view line) {
  std::size_t p = line.size();
  char mark = 0;
  while (p > 0) {
    const char c = line[p - 1];
    if (c == ' ' || c == '\t') {
      --p;
    } else if ((c == '-' || c == '*' || c == '_') && (mark == 0 || mark == c)) {
      mark = c;
      --p;
    } else {
      break;
    }
  }
  return p;
}

struct prefix {
  std::size_t content = 0; ///< where the first byte after white space and markers stands
  int markers = 0;
  int indentation = 0; ///< columns of white space before the last marker
};

prefix read_prefix(std::string_view line) {
  prefix found;
  const std::size_t rule = rule_start(line);
  int columns = 0;
  std::size_t p = 0;
  while (p < line.size()) {
    if (line[p] == ' ') {
      ++columns;
      ++p;
    } else if (line[p] == '\t') {
      columns += 4;
      ++p;
    } else if (const auto length = p >= rule ? 0 : marker_length(line, p)) {
      ++found.markers;
      found.indentation = columns;
      p += length;
    } else {
      break;
    }
  }
  found.content = p;
  return found;
}

bool is_footnote_definition(std::string_view rest) {
  if (!rest.starts_with("[^"))
    return false;
  std::size_t p = 2;
  while (p < rest.size() && rest[p] != ']' && rest[p] != '[' && rest[p] != ' ' && rest[p] != '\t')
    ++p;
  return p > 2 && p + 1 < rest.size() && rest[p] == ']' && rest[p + 1] == ':';
}

/// One kind of line end, and no NUL.
std::string normalise(std::string_view markdown) {
  if (markdown.starts_with("\xEF\xBB\xBF"))
    markdown.remove_prefix(3);
  std::string out;
  out.reserve(markdown.size() + 16);
  for (std::size_t p = 0; p < markdown.size(); ++p) {
    const char c = markdown[p];
    if (c == '\0') {
      out += "\xEF\xBF\xBD";
    } else if (c == '\r') {
      out += '\n';
      if (p + 1 < markdown.size() && markdown[p + 1] == '\n')
        ++p;
    } else {
      out += c;
    }
  }
  return out;
}

void append_marked(std::string& out, std::string_view line, std::size_t content, std::string_view mark) {
  if (is_footnote_definition(line.substr(content))) {
    out.append(line.substr(0, content)).append(mark).append(mark);
    line.remove_prefix(content);
  }
  for (std::size_t p = 0; p < line.size(); ++p) {
    if (line[p] == '\\' && p + 1 < line.size()) {
      if (line[p + 1] == '~' || line[p + 1] == '[')
        out += mark;
      out.append(line.substr(p, 2));
      ++p;
    } else {
      out += line[p];
    }
  }
}

} // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool is_utf8(std::string_view text) {
  std::size_t p = 0;
  while (p < text.size()) {
    const auto lead = static_cast<unsigned char>(text[p]);
    if (lead < 0x80) {
      ++p;
      continue;
    }
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || p + static_cast<std::size_t>(more) >= text.size())
      return false;
    for (int i = 1; i <= more; ++i)
      if ((static_cast<unsigned char>(text[p + static_cast<std::size_t>(i)]) & 0xC0) != 0x80)
        return false;
    const auto second = static_cast<unsigned char>(text[p + 1]);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second > 0x8F))
      return false;
    p += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

void unmark(std::string& text, std::string_view mark) {
  auto at = text.find(mark);
  if (at == std::string::npos)
    return;
  std::string out;
  out.reserve(text.size());
  std::size_t from = 0;
  for (; at != std::string::npos; from = at + mark.size(), at = text.find(mark, from))
    out.append(text, from, at - from);
  text = out.append(text, from);
}

expected<prepared> prepare(std::string_view markdown, std::size_t bytes_max) {
  if (markdown.size() > bytes_max)
    return fail(problem::kind::too_large, "the text has " + std::to_string(markdown.size()) + " bytes; at most " +
                                              std::to_string(bytes_max) + " are allowed");
  if (!is_utf8(markdown))
    return fail(problem::kind::invalid, "the text is not UTF-8");
  const auto mark = std::find_if(marks.begin(), marks.end(),
                                 [&](std::string_view one) { return markdown.find(one) == std::string_view::npos; });
  if (mark == marks.end())
    return fail(problem::kind::invalid, "the text uses all five characters that are kept for marks, such as U+10A7F");

  const std::string text = normalise(markdown);
  std::size_t images = 0;
  for (std::size_t p = text.find("!["); p != std::string::npos; p = text.find("![", p + 2))
    ++images;
  if (images > images_max)
    return fail(problem::kind::too_large, "the text opens more than " + std::to_string(images_max) + " images");

  prepared ready{{}, std::string(*mark)};
  ready.source.reserve(text.size() + 64);
  int number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    const prefix start = read_prefix(line);
    if (start.markers > markers_max || start.indentation > indentation_max)
      return fail(problem::kind::too_large,
                  at_line(number, "nests more than ") + std::to_string(containers_max) + " quotes and lists");
    append_marked(ready.source, line, start.content, ready.mark);
    ready.source += '\n';
  }
  return ready;
}

} // namespace lyceum::views::markdown
