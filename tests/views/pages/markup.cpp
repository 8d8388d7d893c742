// SPDX-License-Identifier: Apache-2.0
#include "tests/views/pages/markup.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

namespace lyceum::views::markup {
namespace {

constexpr std::array<std::string_view, 12> void_elements{"area", "br",   "col", "hr",     "img",   "input",
                                                         "link", "meta", "wbr", "source", "track", "embed"};

struct element {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  bool closed = false; // "/>"
};

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

std::string around(std::string_view text, std::size_t at) {
  return " near: " + std::string{text.substr(at, 80)};
}

bool good_references(std::string_view text) {
  for (auto at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    const auto end = text.find(';', at);
    if (end == std::string_view::npos || end == at + 1 || end - at > 10)
      return false;
  }
  return true;
}

// Reads a start tag at `at` (on its '<'); moves `at` behind it. A problem is a sentence.
std::string read_tag(std::string_view text, std::size_t& at, element& out) {
  std::size_t i = at + 1;
  const auto name_end = text.find_first_of(" \n\t/>", i);
  if (name_end == std::string_view::npos)
    return "tag without end";
  out.name = text.substr(i, name_end - i);
  i = name_end;
  for (;;) {
    while (i < text.size() && is_space(text[i]))
      ++i;
    if (i >= text.size())
      return "tag without end";
    if (text[i] == '>') {
      at = i + 1;
      return {};
    }
    if (text.substr(i, 2) == "/>") {
      out.closed = true;
      at = i + 2;
      return {};
    }
    const auto end = text.find_first_of("= \n\t/>\"'<", i);
    if (end == i || end == std::string_view::npos)
      return "odd character in a tag";
    std::string name{text.substr(i, end - i)};
    i = end;
    std::string value;
    if (text[i] == '=') {
      if (i + 1 >= text.size() || text[i + 1] != '"')
        return "attribute " + name + " is not in double quotes";
      const auto close = text.find('"', i + 2);
      if (close == std::string_view::npos)
        return "attribute " + name + " has no end";
      value = text.substr(i + 2, close - i - 2);
      if (value.find('<') != std::string::npos || !good_references(value))
        return "attribute " + name + " is not escaped";
      i = close + 1;
    }
    for (const auto& known : out.attributes)
      if (known.first == name)
        return "attribute " + name + " stands twice";
    out.attributes.emplace_back(std::move(name), std::move(value));
  }
}

// Calls `see` for each element; gives the first fault.
std::string walk(std::string_view text, const std::function<void(const element&)>& see) {
  std::vector<std::string> open;
  const bool html = text.starts_with("<!doctype html>");
  std::size_t at = html ? 15 : text.starts_with("<?xml") ? text.find("?>") + 2 : 0;
  while (at < text.size()) {
    if (text[at] != '<') {
      const auto end = std::min(text.find('<', at), text.size());
      if (!good_references(text.substr(at, end - at)))
        return "a bare &" + around(text, at);
      if (open.empty() && text.substr(at, end - at).find_first_not_of(" \n") != std::string_view::npos)
        return "text outside of everything" + around(text, at);
      at = end;
      continue;
    }
    if (text.substr(at, 2) == "</") {
      const auto end = text.find('>', at);
      const std::string name{text.substr(at + 2, end - at - 2)};
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back()) + around(text, at);
      open.pop_back();
      at = end + 1;
      continue;
    }
    element one;
    const auto start = at;
    if (const auto fault = read_tag(text, at, one); !fault.empty())
      return fault + around(text, start);
    see(one);
    const bool is_void = html && std::find(void_elements.begin(), void_elements.end(), one.name) != void_elements.end();
    if (one.closed || is_void)
      continue;
    if (one.name == "script") {
      at = text.find("</script>", at);
      if (at == std::string_view::npos)
        return "script without end";
    }
    open.push_back(one.name);
  }
  return open.empty() ? std::string{} : "<" + open.back() + "> is never closed";
}

} // namespace

std::string fault_of(std::string_view text) {
  std::vector<std::string> ids;
  std::string twice;
  const auto fault = walk(text, [&](const element& one) {
    for (const auto& [name, value] : one.attributes)
      if (name == "id") {
        if (std::find(ids.begin(), ids.end(), value) != ids.end())
          twice = "id " + value + " stands twice";
        ids.push_back(value);
      }
  });
  return fault.empty() ? twice : fault;
}

std::string inline_code_of(std::string_view html) {
  std::string found;
  walk(html, [&](const element& one) {
    bool has_source = false;
    bool is_data = false;
    for (const auto& [name, value] : one.attributes) {
      if (name == "style" || name.starts_with("on") || value.starts_with("javascript:"))
        found = one.name + " " + name;
      has_source = has_source || name == "src";
      is_data = is_data || (name == "type" && value == "application/ld+json");
    }
    if (one.name == "style" || (one.name == "script" && !has_source && !is_data))
      found = one.name;
  });
  return found;
}

std::vector<std::string> links_of(std::string_view html) {
  std::vector<std::string> out;
  walk(html, [&](const element& one) {
    for (const auto& [name, value] : one.attributes)
      if (name == "href" || name == "src" || name == "poster")
        out.push_back(value);
  });
  return out;
}

std::string between(std::string_view text, std::string_view first, std::string_view last) {
  const auto start = text.find(first);
  if (start == std::string_view::npos)
    return {};
  const auto from = start + first.size();
  return std::string{text.substr(from, text.find(last, from) - from)};
}

int count(std::string_view text, std::string_view part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++n;
  return n;
}

} // namespace lyceum::views::markup
