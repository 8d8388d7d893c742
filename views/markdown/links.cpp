// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/passes.hpp"

#include <algorithm>

namespace lyceum::views::markdown {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

const std::string* find(const pairs& table, std::string_view name) {
  const auto at = std::lower_bound(table.begin(), table.end(), name,
                                   [](const auto& row, std::string_view wanted) { return row.first < wanted; });
  return at != table.end() && at->first == name ? &at->second : nullptr;
}

int hex(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// "a%20b" to "a b"; what is no escape stays.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t p = 0; p < text.size(); ++p) {
    const int high = text[p] == '%' && p + 2 < text.size() ? hex(text[p + 1]) : -1;
    const int low = high >= 0 ? hex(text[p + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      p += 2;
    } else {
      out += text[p];
    }
  }
  return out;
}

/// "03-enum" to "enum": a file's number is not in its URL.
std::string_view without_number(std::string_view stem) {
  const auto dash = stem.find_first_not_of("0123456789");
  return dash != 0 && dash != std::string_view::npos && stem[dash] == '-' && dash + 1 < stem.size()
             ? stem.substr(dash + 1)
             : stem;
}

/// "03-enum.zh-hans" to "03-enum": a link to a translation means the one in the reader's language.
std::string_view without_language(std::string_view stem) {
  const auto dot = stem.rfind('.');
  if (dot == std::string_view::npos || dot == 0)
    return stem;
  const auto tag = stem.substr(dot + 1);
  const auto primary = tag.substr(0, tag.find('-'));
  const bool letters = tag.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
                       std::string_view::npos;
  return letters && (primary.size() == 2 || primary.size() == 3) ? stem.substr(0, dot) : stem;
}

std::string segment(std::string_view slug) {
  std::string out;
  for (const char c : slug) {
    if (c == '/' || c == '?' || c == '#' || c == '%') { // the writer escapes the rest
      constexpr const char* digits = "0123456789ABCDEF";
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  return out;
}

const media_link* find_media(const std::vector<media_link>& files, std::string_view name) {
  const auto at = std::lower_bound(files.begin(), files.end(), name,
                                   [](const media_link& file, std::string_view wanted) { return file.name < wanted; });
  return at != files.end() && at->name == name ? &*at : nullptr;
}

void rewrite(node& to, const render_input& input) {
  std::string_view path = to.url;
  const auto end = path.find_first_of("?#");
  const std::string rest(end == std::string_view::npos ? std::string_view{} : path.substr(end));
  path = path.substr(0, end);
  if (path.starts_with("./"))
    path.remove_prefix(2);
  const std::string name = decode(path);
  if (const auto* media = find_media(input.media, name)) {
    to.url = media->url + rest;
    to.width = media->width;
    to.height = media->height;
    return;
  }
  if (!name.ends_with(".md") || input.base_path.empty() || name.find_first_of("/:") != std::string::npos)
    return;
  std::string_view stem = std::string_view(name).substr(0, name.size() - 3);
  const auto* slug = find(input.slugs, stem);
  if (!slug) {
    stem = without_language(stem);
    slug = find(input.slugs, stem);
  }
  if (stem == "course" && !slug && input.base_path.starts_with('/') &&
      input.base_path.find("/courses/") != std::string::npos)
    to.url = input.base_path.substr(0, input.base_path.size() - 1) + rest; // the course itself
  else
    to.url = input.base_path + segment(slug ? std::string_view(*slug) : without_number(stem)) + rest;
}

} // namespace

void rewrite_links(node& root, const render_input& input) {
  for (auto& child : root.children) {
    if (child.what == kind::link || child.what == kind::image)
      rewrite(child, input);
    rewrite_links(child, input);
  }
}

} // namespace lyceum::views::markdown
