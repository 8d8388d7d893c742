// SPDX-License-Identifier: Apache-2.0
#include "views/mail/write.hpp"

#include <algorithm>

namespace lyceum::views::mail {
namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Adds words in lines; those after the first begin with `indent`.
void wrap(std::string& out, std::string_view text, std::string_view first, std::string_view indent = {}) {
  out += first;
  auto column = characters(first);
  bool at_start = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto width = characters(word);
    if (!at_start && column + 1 + width > text_columns) {
      out += '\n';
      out += indent;
      column = indent.size();
      at_start = true;
    }
    if (!at_start) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
    at_start = false;
  }
  out += '\n';
}

} // namespace

std::string write_text(const filled& mail, const mail_site& site) {
  std::string out;
  auto before = line_kind::end;
  for (const auto& line : mail.lines) {
    const bool in_list = line.what == line_kind::fact && before == line_kind::fact;
    if (!out.empty() && !in_list && line.what != line_kind::footer)
      out += '\n';
    switch (line.what) {
    case line_kind::fact:
      wrap(out, line.label.empty() ? line.text : line.label + ": " + line.text, "- ", "  ");
      break;
    case line_kind::button:
      wrap(out, line.text + ":", "");
      out += line.link + '\n';
      break;
    case line_kind::code:
      out += "    " + line.text + '\n';
      break;
    case line_kind::footer:
      break;
    default:
      wrap(out, line.text, "");
    }
    before = line.what;
  }
  out += "\n-- \n"; // RFC 3676, 4.3: what follows is no part of the message
  for (const auto& line : mail.lines)
    if (line.what == line_kind::footer)
      wrap(out, line.text, "");
  out += '\n';
  wrap(out, plain_line(site.title), "");
  return out + site.base_url + '\n';
}

} // namespace lyceum::views::mail
